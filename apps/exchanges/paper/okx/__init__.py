"""OKX's face of the paper venue."""
