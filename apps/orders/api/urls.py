"""Addresses of orders and fills under /api/v1/."""

from django.urls import path

from apps.orders.api import guards, views

urlpatterns = [
    path("orders/", views.OrdersView.as_view()),
    path("orders/what-if/", views.OrderWhatIfView.as_view()),
    path("orders/cancel-all/", views.OrdersCancelAllView.as_view()),
    path("orders/<int:pk>/", views.OrderView.as_view()),
    path("orders/<int:pk>/events/", views.OrderEventsView.as_view()),
    path("orders/<int:pk>/cancel/", views.OrderCancelView.as_view()),
    path("fills/", views.FillsView.as_view()),
    path("connections/<int:pk>/locks/", guards.EntryLocksView.as_view()),
    path("connections/<int:pk>/locks/<int:lock>/lift/", guards.EntryLockLiftView.as_view()),
    path("connections/<int:pk>/risk-limits/", guards.RiskLimitsView.as_view()),
]
