"""OKX v5: `spec` is data, `rows` and `orders` read, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.okx.connector import OkxConnector

__all__ = ["OkxConnector"]
