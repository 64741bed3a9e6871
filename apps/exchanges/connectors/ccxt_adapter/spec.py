"""What an exchange of ccxt is, as data: from what ccxt says of it, without asking the exchange anything."""

import re
from typing import Any

from apps.exchanges.connectors.ccxt_adapter.client import (
    client_create,
    client_kind,
    closing,
    credential_labels,
    credential_names,
    mentions,
    refused,
)
from apps.exchanges.connectors.spec import COMMUNITY_PREFIX, Capability, Endpoints, ExchangeSpec
from cts.domain.types import Environment, Market

POLL_S = 2.0
MAX_LEVERAGE = 100
"""Where ccxt doesn't tell a symbol's; the exchange refuses what it doesn't allow."""
_SIGNIFICANT_DIGITS = 3
_CANDLES = 500
_TIMEFRAME = re.compile(r"[1-9]\d{0,2}[smhdw]").fullmatch
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_NEEDED = ("createOrder", "cancelOrder", "fetchBalance", "fetchOpenOrders", "fetchMyTrades", "fetchOHLCV")
_NEEDED_LINEAR = ("fetchPositions", "setLeverage")
_ORDERS = ("fetchOrder", "fetchOrders", "fetchClosedOrders", "fetchCanceledAndClosedOrders")
ORDER_CODE = r"create_.*order.*|.*order_request"
CANCEL_CODE = r"cancel_order(_request)?"
_HAS = {
    "setLeverage": Capability.LEVERAGE,
    "setMarginMode": Capability.MARGIN_MODE,
    "setPositionMode": Capability.POSITION_MODE_SET,
    "fetchFundingRateHistory": Capability.FUNDING_HISTORY,
    "fetchFundingHistory": Capability.FUNDING_PAYMENTS,
}
_FORCES = {
    "IOC": Capability.IMMEDIATE_OR_CANCEL,
    "FOK": Capability.FILL_OR_KILL,
    "PO": Capability.POST_ONLY,
}


def exchange_specs(name: str) -> dict[Market, ExchangeSpec]:
    """The markets of an exchange of ccxt that we can trade; the linear one first.

    Raises:
        DomainError: `ccxt_missing`, `unknown_exchange`, `ccxt_refused` with the reason.
    """
    kind = client_kind(name)
    made = client_create(name, market=Market.LINEAR, environment=Environment.LIVE, credentials=None, timeout_s=10.0)
    with closing(made) as client:
        _exchange_check(client, kind)
        reasons = {market: _lack(client, kind, market) for market in Market}
        found = {market: _spec(client, kind, market) for market, reason in reasons.items() if not reason}
    if not found:
        raise refused(name, "; ".join(f"{market}: {reason}" for market, reason in reasons.items()))
    return found


def features_of(client: Any, market: Market) -> dict[str, Any]:
    """ccxt's table of details for the market; empty where it has none."""
    features = client.features or {}
    kinds = features.get("swap") if market is Market.LINEAR else features
    found = (kinds or {}).get("linear" if market is Market.LINEAR else "spot")
    return found if isinstance(found, dict) else {}


def order_features(client: Any, market: Market) -> dict[str, Any]:
    return features_of(client, market).get("createOrder") or {}


def timeframes_of(client: Any) -> dict[int, str]:
    """By seconds; months have no fixed length, and a few words are no lengths at all."""
    words = filter(_TIMEFRAME, client.timeframes or {})
    return {int(word[:-1]) * _SECONDS[word[-1]]: word for word in words}


def _exchange_check(client: Any, kind: Any) -> None:
    credential_names(client)
    if lacking := [verb for verb in _NEEDED if not client.has.get(verb)]:
        raise refused(client.id, f"ccxt has no {', '.join(lacking)} for it")
    if not any(client.has.get(verb) for verb in _ORDERS):
        raise refused(client.id, "ccxt can't tell what became of an order there")
    if not any(client.has.get(verb) for verb in ("fetchTickers", "fetchTicker")):
        raise refused(client.id, "ccxt has no prices of it")
    if client.precisionMode == _SIGNIFICANT_DIGITS:
        raise refused(client.id, "its prices are rounded to digits, and CTS needs a tick size")
    if not mentions(kind, ORDER_CODE, "clientOrderId"):
        # Without it an order whose answer was lost can't be told from one that never arrived.
        raise refused(client.id, "ccxt doesn't hand our order ids on to it")
    if not timeframes_of(client):
        raise refused(client.id, "ccxt knows no candles of it")


def _lack(client: Any, kind: Any, market: Market) -> str:
    """Why the market can't be traded; empty where it can."""
    if market is Market.SPOT:
        return "" if client.has.get("spot") else "it has none"
    if not client.has.get("swap"):
        return "it has no perpetuals"
    if not features_of(client, market):
        return "ccxt tells nothing of its linear perpetuals"
    if lacking := [verb for verb in _NEEDED_LINEAR if not client.has.get(verb)]:
        return f"ccxt has no {', '.join(lacking)} for it"
    if not (client.has.get("setMarginMode") or mentions(kind, "set_leverage", "arginMode")):
        return "ccxt can't set its margin mode"
    return ""


def _spec(client: Any, kind: Any, market: Market) -> ExchangeSpec:
    candles = features_of(client, market).get("fetchOHLCV") or {}
    return ExchangeSpec(
        name=f"{COMMUNITY_PREFIX}{client.id}",
        label=f"{client.name} (community)",
        is_community=True,
        has_paper=False,
        credential_fields=tuple(credential_names(client)),
        credential_labels=credential_labels(client),
        environments=_environments(client),
        paper_ws_paths={},
        market=market,
        capabilities=_capabilities(client, kind, market),
        venue_suffix="",
        timeframes=timeframes_of(client),
        candles_max=min(int(candles.get("limit") or _CANDLES), 1000),
        rate_rules=(),  # ccxt's own limiter waits
        errors={},
        http_errors={},
        visibility_delay_s=5.0,
        heartbeat_s=POLL_S,
        max_leverage=MAX_LEVERAGE,
        docs_url=_address(client.urls.get("doc")),
        keys_url=_address(client.urls.get("www")),
    )


def _capabilities(client: Any, kind: Any, market: Market) -> frozenset[Capability]:
    order = order_features(client, market)
    found = {capability for force, capability in _FORCES.items() if (order.get("timeInForce") or {}).get(force)}
    if order.get("triggerPrice") or (order.get("stopLossPrice") and order.get("takeProfitPrice")):
        found.add(Capability.CONDITIONAL)
    if client.has.get("editOrder") is True:
        found |= {Capability.AMEND_PRICE, Capability.AMEND_QUANTITY}
    if mentions(kind, "fetch_order", "clientOrderId"):
        found.add(Capability.QUERY_BY_CLIENT_ID)
    if mentions(kind, CANCEL_CODE, "clientOrderId"):
        found.add(Capability.CANCEL_BY_CLIENT_ID)
    if market is Market.LINEAR:
        found |= {capability for verb, capability in _HAS.items() if client.has.get(verb)}
        found |= {Capability.MARGIN_MODE_PER_SYMBOL, *([Capability.HEDGE] if order.get("hedged") else [])}
    return frozenset(found | {Capability.PRIVATE_STREAM})


def _environments(client: Any) -> dict[Environment, Endpoints]:
    found = {Environment.LIVE: Endpoints(rest=_address(client.urls.get("api")), ws={})}
    if client.urls.get("test"):
        found = {Environment.TESTNET: Endpoints(rest=_address(client.urls["test"]), ws={}), **found}
    return found


def _address(told: Any) -> str:
    """The first web address in what may be one, a list of them or a table."""
    if isinstance(told, dict | list):
        found = [_address(inner) for inner in (told.values() if isinstance(told, dict) else told)]
        return next(filter(None, found), "")
    return told.partition("?")[0] if isinstance(told, str) and told.startswith("https://") else ""


def id_of(spec: ExchangeSpec) -> str:
    return spec.name.removeprefix(COMMUNITY_PREFIX)
