"""OrangeX perpetuals: its methods, tokens, error codes and websocket over the paper venue's matching."""
