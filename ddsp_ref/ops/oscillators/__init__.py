"""Sums of sinusoids."""
