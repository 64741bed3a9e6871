"""Bybit v5: `spec` is data, `rows` reads, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.bybit.connector import BybitConnector

__all__ = ["BybitConnector"]
