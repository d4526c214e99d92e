"""IoU over frames."""
