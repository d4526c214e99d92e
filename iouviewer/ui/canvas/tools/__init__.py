"""Tools of the canvas: what the mouse and the keyboard do on the image."""
