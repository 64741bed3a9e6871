"""What venues list and quote: exchanges, instruments, tickers, candles. Alike for everyone who is signed in."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.permissions import caller
from apps.exchanges.api import serializers as shapes
from apps.exchanges.connectors.registry import EXCHANGES, markets_of
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.models import Instrument
from apps.exchanges.rows import instrument_row, ticker_row
from apps.exchanges.selectors import candles_for, connection_get_for, instruments_list, tickers_for
from cts.domain.types import Candle
from cts.lists import RowList, whole, whole_of


def exchange_row(spec: ExchangeSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label": spec.label,
        "is_community": spec.is_community,
        "credential_fields": list(spec.credential_fields),
        "environments": [str(environment) for environment in spec.market_environments],
        "markets": [str(market) for market in markets_of(spec.name)],
        "capabilities": sorted(spec.capabilities),
        "timeframes_s": sorted(spec.timeframes),
        "max_leverage": spec.max_leverage,
        "docs_url": spec.docs_url,
        "keys_url": spec.keys_url,
    }


class ExchangesView(APIView):
    @extend_schema(operation_id="exchanges_list", responses=whole_of(shapes.ExchangeSerializer))
    def get(self, request: Request) -> Response:
        return whole(exchange_row(spec) for spec in EXCHANGES.values())


class InstrumentsView(RowList):
    row = staticmethod(instrument_row)
    model = Instrument
    serializer_class = shapes.InstrumentSerializer
    filterset_fields = ("exchange", "environment", "market", "symbol", "base", "quote", "is_trading")
    ordering_fields = ("id", "symbol", "synced_at")
    ordering = "symbol"

    def rows_for(self, request: Request) -> QuerySet[Instrument]:
        return instruments_list()


class TickersView(APIView):
    @extend_schema(
        operation_id="tickers_list", parameters=[shapes.VenueQuery], responses=whole_of(shapes.TickerSerializer)
    )
    def get(self, request: Request) -> Response:
        tickers = tickers_for(**shapes.VenueQuery.query(request))
        return whole(ticker_row(ticker) for ticker in tickers.values())


class CandlesView(APIView):
    """The newest bars of a symbol, ascending; the last may be unfinished."""

    @extend_schema(
        operation_id="candles_list", parameters=[shapes.CandleQuery], responses=whole_of(shapes.CandleSerializer)
    )
    def get(self, request: Request) -> Response:
        asked = shapes.CandleQuery.query(request)
        connection = connection_get_for(caller(request), asked.pop("connection"))
        candles = candles_for(connection, **asked)
        return whole(candle_row(candle) for candle in candles)


def candle_row(candle: Candle) -> dict[str, Any]:
    return {name: getattr(candle, name) for name in Candle.__struct_fields__}
