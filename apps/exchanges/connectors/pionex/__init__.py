"""Pionex, perpetuals and spot: specs are data, `rows` read, `connector` and `spot` call, streams listen."""

from apps.exchanges.connectors.pionex.connector import PionexConnector
from apps.exchanges.connectors.pionex.spot import PionexSpotConnector

__all__ = ["PionexConnector", "PionexSpotConnector"]
