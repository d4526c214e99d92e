"""The picture with its boxes."""
