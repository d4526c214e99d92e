"""Pure numpy functions: IoU, association, COCO evaluation, error types, statistics."""
