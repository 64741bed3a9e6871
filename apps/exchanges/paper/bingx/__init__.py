"""BingX, perpetual swaps and spot: its paths, parameters, signatures, error codes and websockets over the paper venue's matching."""
