"""OKX v5: `spec` is data, `rows` and `orders` read, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.okx.connector import OkxConnector
from apps.exchanges.connectors.okx.spot import OkxSpotConnector

__all__ = ["OkxConnector", "OkxSpotConnector"]
