"""Addresses of portfolios."""

from django.urls import path

from apps.portfolios import views

urlpatterns = [
    path("portfolios/", views.portfolios, name="portfolios"),
    path("portfolios/new/", views.portfolio_add, name="portfolio_add"),
    path("portfolios/<int:pk>/", views.portfolio, name="portfolio"),
    path("portfolios/<int:pk>/edit/", views.portfolio_edit, name="portfolio_edit"),
    path("portfolios/<int:pk>/delete/", views.portfolio_remove, name="portfolio_remove"),
]
