from django.apps import AppConfig


class PositionsConfig(AppConfig):
    name = "apps.positions"
    label = "positions"

    def ready(self) -> None:
        # Orders check limits against what is held, and must not import the layer above them.
        from apps.orders.holdings import book_register
        from apps.orders.protection import protection_register
        from apps.positions.coverage import Coverage
        from apps.positions.exposure import Exposure

        book_register(Exposure())
        protection_register(Coverage())
