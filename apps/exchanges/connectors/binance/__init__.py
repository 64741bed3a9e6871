"""Binance, USD-M futures and spot: specs are data, `rows` read, `connector` and `spot` call, streams listen."""

from apps.exchanges.connectors.binance.connector import BinanceConnector
from apps.exchanges.connectors.binance.spot import BinanceSpotConnector

__all__ = ["BinanceConnector", "BinanceSpotConnector"]
