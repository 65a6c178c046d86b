"""The same conversation in a window: Tk from the standard library. chat_gui.py starts it.

    conversation   what was said, the newest last
    people         who is here, and what can be done with them
    entry          the line being typed, with history and completion
    dialog         which server, which name
    status         how the connection stands
    window         all of these around one session, and the loop
    looks, menus   what the parts have in common
    start          the command line, and what to say where there is no Tk

The window knows its parts; they do not know the window, nor one another.
"""
