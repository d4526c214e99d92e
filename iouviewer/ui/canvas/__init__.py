"""The image of a frame with its boxes, and the tools that edit them."""
