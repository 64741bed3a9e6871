"""BingX perpetual swaps: `spec` is data, `rows` reads, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.bingx.connector import BingxConnector

__all__ = ["BingxConnector"]
