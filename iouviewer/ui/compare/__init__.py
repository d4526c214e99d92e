"""The Compare workspace: verdicts, what a variant lost and gained, curves."""
