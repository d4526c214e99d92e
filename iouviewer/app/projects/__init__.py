"""Project files: opening, autosave, recovery and imports."""
