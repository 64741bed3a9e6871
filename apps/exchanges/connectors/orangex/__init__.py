"""OrangeX: `spec` is data, `session` signs in, `rows` reads, `orders` and `connector` call, `stream` listens."""

from apps.exchanges.connectors.orangex.connector import OrangeXConnector
from apps.exchanges.connectors.orangex.spot import OrangeXSpotConnector

__all__ = ["OrangeXConnector", "OrangeXSpotConnector"]
