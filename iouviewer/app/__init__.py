"""QtCore without widgets: session, gesture, frame loader, inference job, notifier, settings."""
