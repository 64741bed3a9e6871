from django.apps import AppConfig


class PortfoliosConfig(AppConfig):
    name = "apps.portfolios"
    label = "portfolios"

    def ready(self) -> None:
        # Orders check the limits of portfolios, and must not import the layers above them.
        from apps.orders.groups import groups_register
        from apps.portfolios.guard import PortfolioGuard

        groups_register(PortfolioGuard())
