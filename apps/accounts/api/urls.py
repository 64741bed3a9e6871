"""Addresses of tokens and users under /api/v1/."""

from django.urls import path

from apps.accounts.api import views

urlpatterns = [
    path("auth/token/", views.TokenView.as_view()),
    path("auth/token/refresh/", views.TokenRefreshView.as_view()),
    path("auth/token/revoke/", views.TokenRevokeView.as_view()),
    path("users/me/", views.MeView.as_view()),
]
