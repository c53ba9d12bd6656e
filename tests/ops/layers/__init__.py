"""Tests of what is peculiar to single ops."""
