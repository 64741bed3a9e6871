"""Talking to venues. No Django here: a connector is made from plain values and can be used from any program."""
