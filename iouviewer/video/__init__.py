"""The only user of the decoder: frame i, exactly."""
