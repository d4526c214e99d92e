"""Compositions of the floors below for the command line and the window."""
