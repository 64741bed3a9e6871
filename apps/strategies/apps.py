from importlib.metadata import entry_points

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    name = "apps.strategies"
    label = "strategies"

    def ready(self) -> None:
        from cts.domain.indications import registry

        registry.load_packages(point.load() for point in entry_points(group=registry.ENTRY_POINT_GROUP))
