"""The timeline: IoU by frame."""
