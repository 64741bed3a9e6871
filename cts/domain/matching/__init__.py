"""One account on a simulated venue: prices move through its orders. Pure; the clock and the quotes come from outside."""
