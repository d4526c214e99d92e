"""The open dataset, and the thread that computes its numbers."""
