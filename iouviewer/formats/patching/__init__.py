"""Writes edits into the text that was read, so that everything else in it stays as it is (docs/adr/0042)."""
