"""Tests of the analysis of recordings."""
