"""Binance USD-M futures: `spec` is data, `rows` reads, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.binance.connector import BinanceConnector

__all__ = ["BinanceConnector"]
