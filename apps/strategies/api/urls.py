"""Addresses of studies and lines under /api/v1/."""

from django.urls import path

from apps.strategies.api import views

urlpatterns = [
    path("studies/", views.StudiesView.as_view()),
    path("studies/<int:pk>/", views.StudyView.as_view()),
    path("lines/", views.LinesView.as_view()),
    path("lines/<int:pk>/", views.LineView.as_view()),
]
