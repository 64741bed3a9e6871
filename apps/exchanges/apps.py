from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class ExchangesConfig(AppConfig):
    name = "apps.exchanges"
    label = "exchanges"

    def ready(self) -> None:
        if settings.CCXT_EXCHANGES:
            _community_enable(settings.CCXT_EXCHANGES)


def _community_enable(names: list[str]) -> None:
    from apps.exchanges.connectors.registry import community_enable
    from cts.domain.errors import DomainError

    try:
        community_enable(names)
    except DomainError as refused:
        raise ImproperlyConfigured(f"CTS_CCXT_EXCHANGES={','.join(names)}: {refused.detail}") from None
