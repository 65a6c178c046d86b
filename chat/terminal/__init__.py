"""Keys in, rows out. Knows terminals, consoles and pipes; knows no chat.

keyboard            the face of them all, and which one suits this system
posix_keyboard, windows_keyboard, pipe_keyboard
keys                what terminals send becomes keys
line_editor         keys in, a line out
typed               a typed line: a command with a slash, or a text
screen              rows go up, the line being typed stays below
text                characters as people see them, their columns, what is harmless
wrap                a text becomes rows
console             whether a person is there, and what their terminal can show
"""
