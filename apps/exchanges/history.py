"""Bars of the past for studies: our own recording first, then downloaded candles, then what the venue still tells."""

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import requests
from django.conf import settings

from apps.exchanges.candles import candle_gaps, candles_read
from apps.exchanges.day_files import Shelf
from apps.exchanges.factory import public_connector
from apps.exchanges.recording import TIMEFRAME_S, bars_read
from cts.domain.bars import Bars, bars_from_candles, bars_from_columns, bars_join
from cts.domain.errors import Unavailable
from cts.domain.types import Environment

KLINE_S = 60
HOLE_S = 10
WIDE_HOLE_S = 120
"""A recording silent for longer has a hole. Where only minutes could fill it, a thinly traded symbol may be silent."""

_PAPER_PAGE, _KLINE_PAGE = 20_000, 1000
_decode = msgspec.json.Decoder(list[tuple[int, float, float, float, float, float]]).decode


def history_bars(
    exchange: str, environment: str, market: str, symbol: str, since_ms: int, until_ms: int, *, finest_s: int = 1
) -> Bars:
    """The finest bars there are, not below `finest_s`, that open in [since_ms, until_ms).

    Where the recording has holes, the venue fills them. A venue that tells only minutes makes the whole run one of
    minutes: bars of one run are of one length.

    Raises:
        ExchangeError: the venue did not answer.
    """
    venue = (exchange, environment, market)
    if finest_s > TIMEFRAME_S:
        return _venue_bars(venue, symbol, since_ms, until_ms, timeframe_s=max(finest_s, KLINE_S))
    is_paper = environment == Environment.PAPER
    recorded = _recorded(venue, symbol, since_ms, until_ms)
    # The recording is written once a minute: its end is behind, and a venue that tells seconds has the rest.
    longest_s, at_end_s = (HOLE_S, 0) if is_paper else (WIDE_HOLE_S, WIDE_HOLE_S)
    holes = list(_holes(recorded, since_ms, until_ms, longest_s=longest_s, at_end_s=at_end_s))
    if not holes:
        return recorded
    if not is_paper:
        return _venue_bars(venue, symbol, since_ms, until_ms, timeframe_s=KLINE_S)
    fills = [_venue_bars(venue, symbol, first, last, timeframe_s=TIMEFRAME_S) for first, last in holes]
    return bars_join(TIMEFRAME_S, [*fills, recorded])


def _recorded(venue: tuple[str, str, str], symbol: str, since_ms: int, until_ms: int) -> Bars:
    frame = bars_read(venue, symbol, since_ms=since_ms, until_ms=until_ms)
    return bars_from_columns(TIMEFRAME_S, (frame[name] for name in ("open_ms", "open", "high", "low", "close")))


def _holes(bars: Bars, since_ms: int, until_ms: int, *, longest_s: int, at_end_s: int) -> Iterator[tuple[int, int]]:
    """Spans of [since_ms, until_ms) without a bar that are too long to be mere silence."""
    step_ms = 1000 * bars.timeframe_s
    edges = [since_ms - step_ms, *bars.open_ms.tolist(), until_ms]
    for before, after in pairwise(edges):
        if after - before - step_ms > 1000 * (at_end_s if after == until_ms else longest_s):
            yield before + step_ms, after


def _venue_bars(venue: tuple[str, str, str], symbol: str, since_ms: int, until_ms: int, *, timeframe_s: int) -> Bars:
    if venue[1] == Environment.PAPER:
        return bars_join(timeframe_s, _paper_pages(venue[0], symbol, since_ms, until_ms, timeframe_s))
    return _klines(venue, symbol, since_ms, until_ms, timeframe_s)


def _paper_pages(exchange: str, symbol: str, since_ms: int, until_ms: int, timeframe_s: int) -> Iterator[Bars]:
    step_ms = 1000 * timeframe_s
    for first in range(since_ms, until_ms, _PAPER_PAGE * step_ms):
        limit = min(_PAPER_PAGE, -((first - until_ms) // step_ms))
        query: dict[str, str | int] = {
            "exchange": exchange,
            "symbol": symbol,
            "timeframe_s": timeframe_s,
            "since_ms": first,
            "limit": limit,
        }
        rows = _paper_get(exchange, query)
        yield bars_from_columns(timeframe_s, zip(*rows, strict=True) if rows else [[]] * 5).between(since_ms, until_ms)


def _paper_get(exchange: str, query: dict[str, str | int]) -> list[tuple[int, float, float, float, float, float]]:
    try:
        answer = requests.get(f"{settings.PAPER_URL}/_history", params=query, timeout=settings.VENUE_TIMEOUT_S)
        answer.raise_for_status()
        return _decode(answer.content)
    except (requests.RequestException, msgspec.DecodeError) as error:
        raise Unavailable(f"No history from the paper venue: {type(error).__name__}", exchange=exchange) from error


def _klines(venue: tuple[str, str, str], symbol: str, since_ms: int, until_ms: int, timeframe_s: int) -> Bars:
    """What was downloaded before, and from the venue what is missing of it."""
    shelf = Shelf(*venue, symbol, timeframe_s)
    columns = candles_read(shelf, since_ms=since_ms, until_ms=until_ms)
    stored = bars_from_columns(timeframe_s, (columns[name] for name in ("open_ms", "open", "high", "low", "close")))
    gaps = candle_gaps(shelf, since_ms=since_ms, until_ms=until_ms)
    pages = [page for first, last in gaps for page in _kline_pages(venue, symbol, first, last, timeframe_s)]
    return bars_join(timeframe_s, [stored, *pages])


def _kline_pages(
    venue: tuple[str, str, str], symbol: str, since_ms: int, until_ms: int, timeframe_s: int
) -> Iterator[Bars]:
    connector = public_connector(*venue)
    first = since_ms
    while first < until_ms:
        candles = connector.candles(symbol, timeframe_s=timeframe_s, since_ms=first, limit=_KLINE_PAGE)
        page = bars_from_candles(timeframe_s, (candle for candle in candles if candle.is_closed))
        yield page.between(since_ms, until_ms)
        if page.end_ms <= first:
            return
        first = page.end_ms
