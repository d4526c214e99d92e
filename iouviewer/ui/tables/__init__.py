"""Models of the tables: variants, boxes and problems."""
