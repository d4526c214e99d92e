"""A small software renderer that draws the street of the bundled sample."""
