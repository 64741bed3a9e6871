"""BingX, perpetual swaps and spot: specs are data, `rows` read, `connector` and `spot` call, streams listen."""

from apps.exchanges.connectors.bingx.connector import BingxConnector
from apps.exchanges.connectors.bingx.spot import BingxSpotConnector

__all__ = ["BingxConnector", "BingxSpotConnector"]
