"""Pionex perpetuals: `spec` is data, `rows` reads, `ledger` looks back, `connector` calls, `stream` listens."""

from apps.exchanges.connectors.pionex.connector import PionexConnector

__all__ = ["PionexConnector"]
