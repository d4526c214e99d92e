"""Use cases shared by the command line and the window: evaluate, compare, predict, convert, check."""
