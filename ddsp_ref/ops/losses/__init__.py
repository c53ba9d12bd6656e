"""Distances between signals."""
