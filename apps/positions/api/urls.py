"""Addresses of positions under /api/v1/."""

from django.urls import path

from apps.positions.api import views

urlpatterns = [
    path("positions/", views.PositionsView.as_view()),
    path("positions/close-all/", views.PositionsCloseAllView.as_view()),
    path("positions/close-profitable/", views.PositionsCloseProfitableView.as_view()),
    path("positions/discrepancies/", views.DiscrepanciesView.as_view()),
    path("positions/funding/", views.FundingEntriesView.as_view()),
    path("positions/<int:pk>/", views.PositionView.as_view()),
    path("positions/<int:pk>/story/", views.PositionStoryView.as_view()),
    path("positions/<int:pk>/close/", views.PositionCloseView.as_view()),
]
