"""Addresses of exchanges, connections and prices under /api/v1/."""

from django.urls import path

from apps.exchanges.api import market, views

urlpatterns = [
    path("exchanges/", market.ExchangesView.as_view()),
    path("instruments/", market.InstrumentsView.as_view()),
    path("tickers/", market.TickersView.as_view()),
    path("candles/", market.CandlesView.as_view()),
    path("connections/", views.ConnectionsView.as_view()),
    path("connections/try/", views.TryOutView.as_view()),
    path("connections/<int:pk>/", views.ConnectionView.as_view()),
    path("connections/<int:pk>/test/", views.TestView.as_view()),
    path("connections/<int:pk>/tests/", views.ConnectionTestsView.as_view()),
    path("connections/<int:pk>/balances/", views.BalancesView.as_view()),
    path("connections/<int:pk>/arm/", views.ArmView.as_view()),
    path("connections/<int:pk>/disarm/", views.DisarmView.as_view()),
    path("connections/<int:pk>/enable/", views.EnableView.as_view()),
    path("connections/<int:pk>/disable/", views.DisableView.as_view()),
    path("connections/<int:pk>/volume/", views.VolumeView.as_view()),
    path("connections/<int:pk>/symbols/", views.SymbolsView.as_view()),
]
