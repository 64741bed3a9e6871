"""Which symbols a connection trades: its own list, or the venue's top N, and always the forced ones."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from apps.exchanges.factory import public_connector
from apps.exchanges.models import Connection, SymbolMode
from apps.exchanges.selectors import Venue, instruments_list
from cts import bus
from cts.domain.types import Ticker

RANKING_TTL_S = 60

_decode = msgspec.json.Decoder(list[Ticker]).decode
_RANKINGS: dict[str, Callable[[Ticker], Decimal]] = {
    SymbolMode.TOP_VOLUME: lambda ticker: ticker.turnover_24h or Decimal(0),
    SymbolMode.TOP_CHANGE: lambda ticker: abs(ticker.change_24h_ratio or Decimal(0)),
}


def connection_symbols(connection: Connection) -> list[str]:
    """Forced symbols first, then those of the connection's mode; no symbol twice."""
    ranking = _RANKINGS.get(connection.symbol_mode)
    if ranking is None:
        chosen = connection.symbols
    else:
        chosen = symbols_top(connection.venue, by=connection.symbol_mode, count=connection.top_count)
    return list(dict.fromkeys([*connection.forced_symbols, *chosen]))


def symbols_top(venue: Venue, *, by: str, count: int) -> list[str]:
    """The venue's `count` best tradable symbols by 24 h turnover or by the size of their 24 h change."""
    exchange, environment, market = venue
    listed = instruments_list(exchange=exchange, environment=environment, market=market).filter(is_trading=True)
    trading = set(listed.values_list("symbol", flat=True))
    tickers = [ticker for ticker in _tickers(venue) if ticker.symbol in trading]
    ranked = sorted(tickers, key=lambda ticker: (-_RANKINGS[by](ticker), ticker.symbol))
    return [ticker.symbol for ticker in ranked[:count]]


def _tickers(venue: Venue) -> list[Ticker]:
    """All of the venue's tickers, asked once a minute for everybody."""
    key = bus.state_key("ranking", *venue)
    if (kept := bus.client().get(key)) is not None:
        return _decode(kept)
    tickers = public_connector(*venue).tickers()
    bus.client().set(key, msgspec.json.encode(tickers), ex=RANKING_TTL_S)
    return tickers
