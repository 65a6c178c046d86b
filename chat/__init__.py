"""What stands behind the programs: what makes them hold, and comfortable for people.

    server/        what the server is made of, besides the room and the loop in chat_server.py
    client/        what the two clients are made of, the terminal's and the window's
    terminal/      keys in, rows out; knows no chat
    sockets        what both sides need of the system
    password_file  what both sides read a password from

Imports point down only: the programs know these parts, never the other way round.
"""
