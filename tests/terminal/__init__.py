"""Tests of keys, keyboards, the line editor and the screen; and the terminal that tests use."""
