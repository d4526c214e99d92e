"""Opening, keeping and recovering project files."""
