"""Metrics as pure functions on numpy arrays: IoU, association, COCO evaluation, error types, statistics."""
