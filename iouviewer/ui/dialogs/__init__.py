"""Modal and non-modal dialogs of the window."""
