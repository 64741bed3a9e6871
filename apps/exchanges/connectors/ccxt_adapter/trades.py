"""Executions of a span of time, whichever end a venue begins its pages at."""

from typing import TYPE_CHECKING

from apps.exchanges.connectors.parsing import Row

if TYPE_CHECKING:
    from apps.exchanges.connectors.ccxt_adapter.connector import CcxtConnector

DAY_MS = 86_400_000
_PAGE = 100
_PAGES_MAX = 500


def trades_between(connector: "CcxtConnector", symbol: str | None, *, since_ms: int | None) -> list[Row]:
    """Every execution since then; without a time, what the venue tells by itself."""
    if since_ms is None:
        return _page(connector, symbol, None, None)
    now = connector.now_ms() + 1000
    table = connector.details("fetchMyTrades")
    span_ms = int(table.get("untilDays") or 0) * DAY_MS or now
    spans = [(start, min(start + span_ms - 1, now)) for start in range(max(since_ms, 0), now, span_ms)]
    found: dict[str, Row] = {}
    for _ in range(_PAGES_MAX):
        if not spans:
            break
        start, end = spans.pop(0)
        rows = _page(connector, symbol, start, end)
        found |= {connector.read.identifier(row, "id"): row for row in rows}
        if len(rows) >= _size(connector):
            spans = _rest(rows, start, end, can_end=_can_end(connector)) + spans
    return list(found.values())


def _rest(rows: list[Row], start: int, end: int, *, can_end: bool) -> list[tuple[int, int]]:
    """A full page leaves the later part to a venue that tells the oldest first, and the earlier to one that doesn't."""
    times = [int(row["timestamp"]) for row in rows]
    parts = [(max(times), end), *([(start, min(times))] if can_end else [])]
    return [(first, last) for first, last in parts if start <= first < last <= end and (first, last) != (start, end)]


def _page(connector: "CcxtConnector", symbol: str | None, start: int | None, end: int | None) -> list[Row]:
    params = {"until": end} if end is not None and _can_end(connector) else {}
    limit = _size(connector) if start is not None else None
    told = connector.call(connector.client.fetch_my_trades, symbol, start, limit, params)
    return connector.read.all_rows(told, "trades")


def _size(connector: "CcxtConnector") -> int:
    return min(int(connector.details("fetchMyTrades").get("limit") or _PAGE), 1000)


def _can_end(connector: "CcxtConnector") -> bool:
    return connector.knows("fetch_my_trades", "until")
