"""Django's SQLite with turns: see `base.py`."""
