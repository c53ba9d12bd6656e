"""Timbre transfer: a recording played by an instrument, from features to sound."""
