"""Variants, boxes and problems."""
