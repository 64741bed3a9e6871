"""Addresses of the connection pages."""

from django.urls import path

from apps.exchanges import views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/new/", views.connection_add, name="connection_add"),
    path("connections/new/try/", views.connection_try, name="connection_try"),
    path("connections/<int:pk>/", views.connection, name="connection"),
]
