"""Tests of the server: each room by itself, and the process as people and attackers meet it."""
