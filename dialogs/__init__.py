"""Decides: pure functions from answers to what is asked and said. No I/O, no clock."""
