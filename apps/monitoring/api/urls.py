"""Addresses of monitoring under /api/v1/."""

from django.urls import path

from apps.monitoring.api import views

urlpatterns = [path("health/", views.HealthView.as_view())]
