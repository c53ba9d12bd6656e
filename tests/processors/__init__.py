"""Tests of the processors and their graph."""
