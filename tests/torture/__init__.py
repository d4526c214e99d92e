"""Torture of the project file: the real window in a process of its own, random edits, and every kind of sudden end."""
