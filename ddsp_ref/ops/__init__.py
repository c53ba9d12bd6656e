"""The mathematics: one file per op."""
