"""Readers of the files of other DDSP libraries, without their frameworks.

They give plain Python and NumPy values. Nothing that a file names is imported or called.
"""
