"""Starts the Procfile's processes, starts them again when they die, stops them in order. Knows no Django and no apps."""
