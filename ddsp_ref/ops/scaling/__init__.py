"""Scalings between network outputs, units and controls."""
