"""Addresses of the pages about orders."""

from django.urls import path

from apps.orders import views

urlpatterns = [path("connections/<int:pk>/risk-limits/", views.risk_limits, name="risk_limits")]
