"""Tests of what the two clients are made of."""
