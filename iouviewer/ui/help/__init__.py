"""The entries of the Help menu."""
