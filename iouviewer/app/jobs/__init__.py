"""Work that goes on in the background: runs, scores, verdicts, problems."""
