"""The review of problems: film strip, grid and ledger."""
