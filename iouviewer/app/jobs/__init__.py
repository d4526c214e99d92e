"""Background work: model runs, scores, verdicts and problems."""
