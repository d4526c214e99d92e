"""What changes the document: the session, gestures, the list of variants."""
