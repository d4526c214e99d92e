"""The street scene of the bundled sample: simulation, rendering and labels."""
