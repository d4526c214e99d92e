"""Many videos and variants, run as tasks that any number of processes and machines share (docs/batch.md)."""
