"""The protocol as executable rules: black box, over the wire, for any server or client.

    python -m pytest tests/conformance                                               this server
    python -m pytest tests/conformance --server "python my_server.py --port {port}"  anyone's
    python -m pytest tests/conformance --client "python my_client.py {host} {port}"  a client
    python -m pytest tests/conformance --address 192.168.1.20:8820                   a running one

Every test is one rule of the protocol. Its docstring is the rule's text and, after an empty
line, the mistake that most often breaks it. Markers give the order in which a student gets there:
`core`, `chat`, `robust`. Nothing of the implementation is imported.

What no black box can know is left out: how many more than a hundred people find room (SERVER_FULL),
how long a server waits for a name (TIMEOUT), TLS. Where the protocol's text is silent, every
sensible behaviour passes; the figures that a rule relies on stand in docs/exercise.md.

    wire.py, pace.py    frames and streams; how slow a correct server may be
    client.py, room.py  one person who speaks them; all people of one rule, and how they leave
    terminal.py         a client program, its keyboard and its screen
    sleeper.py          somebody who says nothing while the other rules are judged
    program.py, family.py    the program under test: start, end, last words, all its children
    experience.py, causes.py, judging.py    what is not waited for again, and what explains most
    options.py          the command line's options, checked
    report.py           who passed what: terminal, HTML page, Gradescope
    conftest.py         how pytest comes by all this
    test_*.py           the rules
    sample-…/           correct and deliberately wrong programs that prove the rules
"""
