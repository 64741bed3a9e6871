"""Addresses of engines under /api/v1/."""

from django.urls import path, re_path

from apps.engine.api import views
from apps.engine.coordinator import GlobalTradeEngineCoordinator

_VERB = f"(?P<verb>{'|'.join(GlobalTradeEngineCoordinator.VERBS)})"

urlpatterns = [
    path("engines/", views.EnginesView.as_view()),
    path("engines/emergency-stop/", views.EmergencyStopView.as_view()),
    re_path(rf"^engines/all/{_VERB}/$", views.EnginesVerbView.as_view()),
    path("engines/<int:connection_id>/", views.EngineView.as_view()),
    path("engines/<int:connection_id>/events/", views.EngineEventsView.as_view()),
    re_path(rf"^engines/(?P<connection_id>[0-9]{{1,18}})/{_VERB}/$", views.EngineVerbView.as_view()),
]
