"""The frame of the window: top bar, layer bar, tool rail, side tabs, and the rules by which they give way."""
