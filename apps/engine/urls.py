"""Addresses of the dashboard and of what shows when the server is away."""

from django.urls import path

from apps.engine import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("offline/", views.offline, name="offline"),
    path("service-worker.js", views.service_worker, name="service_worker"),
]
