"""Bybit v5: `spec` is data, `rows` reads, `connector` and `spot` call, `stream` and `private` listen."""

from apps.exchanges.connectors.bybit.connector import BybitConnector
from apps.exchanges.connectors.bybit.spot import BybitSpotConnector

__all__ = ["BybitConnector", "BybitSpotConnector"]
