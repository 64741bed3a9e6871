from django.apps import AppConfig
from django.conf import settings


class MonitoringConfig(AppConfig):
    name = "apps.monitoring"
    label = "monitoring"

    def ready(self) -> None:
        from apps.monitoring.heartbeats import workers_listen
        from apps.monitoring.log_handler import database_handler_install
        from cts import checks  # noqa: F401 - registers them

        workers_listen()
        if settings.LOG_TO_DATABASE:
            database_handler_install()
