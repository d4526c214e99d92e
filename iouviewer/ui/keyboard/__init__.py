"""Keys by position: which place on the keyboard a key event comes from, and which letter the layout has there."""
