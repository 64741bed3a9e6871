"""Fault runs: real processes, a real database, a real wire, everything that can go wrong, by a seed that can be replayed.

A run is made of its seed (`plan`), played by a director (`run`) over processes it forks (`actors`), and judged by what
the ledger and the venue hold once all is well again (`check`). `python -m tests.chaos` plays many.
"""
