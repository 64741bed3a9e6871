"""Addresses of portfolios under /api/v1/."""

from django.urls import path

from apps.portfolios.api import views

urlpatterns = [
    path("portfolios/", views.PortfoliosView.as_view()),
    path("portfolios/<int:pk>/", views.PortfolioView.as_view()),
    path("portfolios/<int:pk>/standing/", views.StandingView.as_view()),
    path("portfolios/<int:pk>/statistics/", views.StatisticsView.as_view()),
    path("portfolios/<int:pk>/equity/", views.EquityView.as_view()),
]
