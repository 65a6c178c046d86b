"""The programs on Windows: in a real console there, keys in, rows out."""
