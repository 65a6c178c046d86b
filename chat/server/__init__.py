"""What makes the server hold: each file answers for one thing, and the loop asks them all.

Names, messages, blocks: those are the room's, and the room is in chat_server.py, as is the loop.

    connection      one client: what has come in, what still has to go out
    stream, tls     its bytes, as they are or encrypted: one face
    broadcast       the news of a turn: collected, and sent at its end
    door            who stays out by the word of whoever runs the server
    places          who gets a place, and what those read who get none
    password        who has given it, and how fast it can be guessed
    pace            how fast a client may ask; the pause of one that has to wait
    muted           whom nobody hears, and how seldom they take another name
    slow_readers    who leaves too much unread
    deadlines       what has to happen later
    farewell        how last words arrive before a connection is closed
    desk, display   a row to type in below the log, where there is a terminal
    teacher         what is typed there, and what it does
    log, wire_view  what whoever runs the server reads; every frame as it travels
    printers        how that reaches standard output without ever waiting
    listeners, descriptors, stop, options     what the server starts with
    welcome, addresses, certificate           what it says then: how others get here
"""
