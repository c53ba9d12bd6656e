"""Benchmarks: `python -m benchmarks.ops`, `.harmonic`, `.pitch`, `.transfer`."""
