"""Addresses of live trading and of the stories of trades."""

from django.urls import path

from apps.positions import views

urlpatterns = [
    path("live/", views.live, name="live"),
    path("live/<int:connection_id>/", views.live, name="live_connection"),
    path("positions/", views.positions, name="positions"),
    path("positions/<int:pk>/story/", views.story, name="story"),
]
