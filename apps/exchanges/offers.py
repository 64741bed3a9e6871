"""What a venue has and lacks, in words for the people who trade there."""

from dataclasses import dataclass
from typing import Any

from apps.exchanges.connectors.registry import EXCHANGES, markets_of
from apps.exchanges.connectors.spec import Capability, ExchangeSpec
from cts.domain.types import Market


@dataclass(frozen=True)
class Offer:
    """One ability: `is_had`, and the sentence that says what that means for the owner."""

    is_had: bool
    text: str


# Ability, what it means to have it, what it means to lack it. What only concerns programs isn't here.
_PERPETUALS = (
    (
        Capability.CONDITIONAL,
        "Stops are kept on the venue",
        "No stop orders: stops are watched here, and work only while this system runs",
    ),
    (Capability.HEDGE, "Long and short on one symbol at once", "One direction at a time on a symbol"),
    (
        Capability.POSITION_MODE_SET,
        "Position mode is set from here",
        "Position mode is changed on the venue's own page",
    ),
)
_ANYWHERE = (
    (Capability.AMEND_PRICE, "Orders can be changed in place", "Orders are canceled and placed anew to change them"),
    (Capability.BATCH_PLACE, "Orders go out in batches", "Orders go out one at a time"),
    (
        Capability.REFUSES_DUPLICATE_CLIENT_ID,
        "Refuses an order id used twice",
        "Would take an order id twice; none is ever sent twice",
    ),
    (
        Capability.KEY_RIGHTS,
        "Tells what a key may do",
        "Doesn't tell what a key may do: make sure yourself that it can't withdraw",
    ),
)


def offers(spec: ExchangeSpec) -> list[Offer]:
    """The abilities an owner should know of, those that concern safety first."""
    rows = (*(_PERPETUALS if spec.market is Market.LINEAR else _PERPETUALS[:1]), *_ANYWHERE)
    return [Offer(spec.can(ability), had if spec.can(ability) else lacked) for ability, had, lacked in rows]


def venues_told() -> dict[str, Any]:
    """For the pages' scripts, by exchange and market: the label and the offers as [is_had, text]."""
    return {
        name: {
            str(market): {
                "label": kind.spec.label,
                "is_community": kind.spec.is_community,
                "has_stops": kind.spec.can(Capability.CONDITIONAL),
                "offers": [[offer.is_had, offer.text] for offer in offers(kind.spec)],
            }
            for market, kind in markets_of(name).items()
        }
        for name in EXCHANGES
    }
