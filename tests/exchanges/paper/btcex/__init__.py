"""The `btcex` client of an old ccxt, in an environment and a process of its own: OrangeX is that exchange under a new name."""
