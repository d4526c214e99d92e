"""What is edited and shown: ground truth, predictions, classes, edits, changes, scores."""
