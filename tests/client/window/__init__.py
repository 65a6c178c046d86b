"""Tests of the window: a real one, driven through Tk's own events."""
