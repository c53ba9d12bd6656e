"""Delays of a fixed or a changing length."""
