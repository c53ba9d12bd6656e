"""Tests of the short-time ops."""
