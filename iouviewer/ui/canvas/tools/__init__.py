"""Tools of the canvas, which handle the mouse and the keyboard on the image."""
