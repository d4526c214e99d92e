"""The Dataset workspace: sources, classes and models of all videos together."""
