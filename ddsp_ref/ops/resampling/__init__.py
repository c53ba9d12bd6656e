"""Frame-rate controls to sample rate."""
