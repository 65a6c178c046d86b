"""Keys in, rows out. Knows terminals, consoles and pipes; knows no chat."""
