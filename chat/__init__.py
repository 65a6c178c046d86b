"""The rooms behind the programs: what makes them hold, and comfortable for people.

    server/     what the server is made of
    client/     what the two clients are made of, the terminal's and the window's
    terminal/   keys in, rows out; knows no chat
    sockets     what both sides need of the system

Imports point down only: the programs know the rooms, never the other way round.
"""
