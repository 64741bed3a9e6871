"""Pionex's perpetuals as the paper venue speaks them."""
