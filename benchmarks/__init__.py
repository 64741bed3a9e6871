"""Measured ratios against what people use today. Run with `make bench`, or `make bench ONLY=F1,F3`."""
