"""Convolution and filters given by their frequency response."""
