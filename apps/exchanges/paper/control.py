"""The paper venue's own doors (`/_…`): accounts, faults, prices, history, and what an account looks like from here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.paper.faults import Fault
from apps.exchanges.paper.http import Request, Response, json_response
from apps.exchanges.paper.market import SYMBOLS
from cts.domain.matching import margin
from cts.domain.types import PositionMode

if TYPE_CHECKING:
    from apps.exchanges.paper.server import PaperVenue


class BadInput(Exception):
    """What was asked of a control door makes no sense; the text says what would."""


class NewAccount(msgspec.Struct, kw_only=True):
    exchange: str
    api_key: str
    api_secret: str
    passphrase: str = ""
    balance: str = "10000"
    # Some venues have no call that changes it: theirs is chosen with the account.
    position_mode: PositionMode | None = None


class NewPrice(msgspec.Struct, kw_only=True):
    symbol: str
    price: float | None = None
    mark: float | None = None


def control(venue: "PaperVenue", request: Request) -> Response:
    handler = DOORS.get((request.method, request.path))
    if handler is None:
        return json_response({"detail": "no such door"}, status=404)
    try:
        return json_response(handler(venue, request))
    except (BadInput, ValueError, msgspec.DecodeError) as error:
        return json_response({"detail": str(error)}, status=400)


def _health(venue: "PaperVenue", request: Request) -> object:
    return {
        "status": "ok",
        "now_ms": venue.market.now_ms(),
        "is_quiet": venue.market.is_quiet,
        "ticks": venue.ticks,
        "symbols": list(SYMBOLS),
        "exchanges": {
            slug: {
                "accounts": len(face.members),
                "sockets": len(face.sockets),
                "private_topics": sum(len(t) for m in face.members.values() for t in m.listeners.values()),
            }
            for slug, face in venue.faces.items()
        },
    }


def _accounts(venue: "PaperVenue", request: Request) -> object:
    wanted = msgspec.json.decode(request.body, type=NewAccount)
    if wanted.exchange not in venue.faces:
        raise BadInput(f"exchange must be one of {', '.join(venue.faces)}")
    member, is_new = venue.account_ensure(
        wanted.exchange,
        api_key=wanted.api_key,
        api_secret=wanted.api_secret,
        passphrase=wanted.passphrase,
        balance=wanted.balance,
        position_mode=wanted.position_mode,
    )
    return {"number": member.account.number, "is_new": is_new, "balance": str(member.account.balance)}


def _faults_add(venue: "PaperVenue", request: Request) -> object:
    fault = venue.faults.add(msgspec.json.decode(request.body, type=Fault))
    venue.strike(fault)
    return msgspec.to_builtins(fault)


def _faults_list(venue: "PaperVenue", request: Request) -> object:
    return msgspec.to_builtins(venue.faults.armed)


def _faults_clear(venue: "PaperVenue", request: Request) -> object:
    venue.faults.clear()
    for face in venue.faces.values():
        face.skew_ms = face.muted_until_ms = 0
    return {"status": "cleared"}


def _price(venue: "PaperVenue", request: Request) -> object:
    wanted = msgspec.json.decode(request.body, type=NewPrice)
    quote = venue.price_set(_symbol(wanted.symbol), price=wanted.price, mark=wanted.mark)
    return msgspec.to_builtins(quote)


def _funding(venue: "PaperVenue", request: Request) -> object:
    """Pay one funding now, for tests that won't wait eight hours."""
    for face in venue.faces.values():
        face.on_funding(at_ms=face.now_ms())
    return {"status": "paid"}


def _history(venue: "PaperVenue", request: Request) -> object:
    query = request.query_pairs()
    now_ms = venue.market.now_ms()
    timeframe_s = int(query.get("timeframe_s", "1"))
    limit = min(int(query.get("limit", "1000")), 100_000)
    if timeframe_s < 1 or (timeframe_s >= 60 and timeframe_s % 60) or limit < 1:
        raise BadInput("timeframe_s must be 1-59 or a multiple of 60, limit at least 1")
    since_ms = int(query.get("since_ms") or 0)
    newest_ms = now_ms - timeframe_s * 1000  # finished bars only
    end_ms = min(newest_ms, since_ms + limit * timeframe_s * 1000 - 1) if since_ms else newest_ms
    candles = venue.market.candles(
        _symbol(query.get("symbol", "")), timeframe_s=timeframe_s, start_ms=since_ms, end_ms=end_ms, limit=limit
    )
    return [[c.open_ms, c.open, c.high, c.low, c.close, c.volume] for c in candles if c.is_closed]


def _state(venue: "PaperVenue", request: Request) -> object:
    """All the venue knows of an account: the side that tests compare ours with."""
    query = request.query_pairs()
    face = venue.faces.get(query.get("exchange", ""))
    member = face.members.get(query.get("api_key", "")) if face else None
    if face is None or member is None:
        raise BadInput("no such account")
    account = member.account
    orders = {**account.closed_orders, **account.open_orders}
    state: dict[str, Any] = {
        "balance": account.balance,
        "assets": account.assets,
        "available": margin.available(account, venue=face.venue),
        "position_mode": account.position_mode,
        "margin_mode": account.margin_mode,
        "leverages": account.leverages,
        "orders": [
            {**msgspec.structs.asdict(order), "client_id": face.client_id_of(order), "name": face.name_of(order)}
            for order in orders.values()
        ],
        "fills": account.fills,
        "positions": [{**msgspec.structs.asdict(leg), "entry_price": leg.entry_price} for leg in account.open_legs()],
        "ledger": account.ledger,
    }
    return msgspec.to_builtins(state)


def _symbol(name: str) -> str:
    """Canonical, or the plain venue spelling."""
    found = name if name in SYMBOLS else name.removesuffix("USDT") + "/USDT:USDT"
    if found not in SYMBOLS:
        raise BadInput(f"symbol must be one of {', '.join(SYMBOLS)}")
    return found


DOORS: dict[tuple[str, str], Callable[["PaperVenue", Request], object]] = {
    ("GET", "/_health"): _health,
    ("POST", "/_accounts"): _accounts,
    ("GET", "/_faults"): _faults_list,
    ("POST", "/_faults"): _faults_add,
    ("DELETE", "/_faults"): _faults_clear,
    ("POST", "/_price"): _price,
    ("POST", "/_funding"): _funding,
    ("GET", "/_history"): _history,
    ("GET", "/_state"): _state,
}
