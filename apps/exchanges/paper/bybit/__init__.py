"""Bybit v5, linear: its paths, parameters, signatures, error codes and websockets over the paper venue's matching."""
