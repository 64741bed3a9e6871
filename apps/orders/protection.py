"""What orders must know of the positions their stops protect: the layer above brings a `Protection`."""

from typing import Protocol

from apps.orders.models import Order


class Protection(Protocol):
    def is_protecting(self, order: Order) -> bool:
        """Whether it is the stop of a position that is live."""
        ...

    def stop_ended(self, order: Order) -> None:
        """A stop has ended without closing anything; called in the transaction that learned it."""
        ...


_protections: list[Protection] = []


def protection_register(protection: Protection) -> None:
    """Called once, when the app of positions is ready."""
    _protections[:] = [protection]


def protection() -> Protection:
    return _protections[0]
