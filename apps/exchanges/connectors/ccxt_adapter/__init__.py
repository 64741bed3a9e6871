"""Any exchange of ccxt as a connection, where the owner installed ccxt and named the exchange."""

from apps.exchanges.connectors.ccxt_adapter.connector import CcxtConnector

__all__ = ["CcxtConnector"]
