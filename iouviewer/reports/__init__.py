"""What leaves the program: CSV, JSON, HTML, plots, pictures with boxes."""
