"""The window: widgets, dialogs and commands. The only layer that uses widgets."""

APP_NAME = "iouviewer"
"""Shown in title bars; not translated."""
