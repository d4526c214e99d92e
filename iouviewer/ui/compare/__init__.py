"""The Compare workspace: verdicts, lost and gained boxes, curves."""
