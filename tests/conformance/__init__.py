"""The protocol as executable rules: black box, over the wire, for any server or client.

    python -m pytest tests/conformance                                               this server
    python -m pytest tests/conformance --server "python my_server.py --port {port}"  anyone's
    python -m pytest tests/conformance --client "python my_client.py {host} {port}"  a client
    python -m pytest tests/conformance --address 192.168.1.20:8820                   a running one

Every test is one rule of the protocol. Its docstring is the rule's text and, after an empty
line, the mistake that most often breaks it. Markers give the order in which a student gets there:
`core`, `chat`, `robust`. Nothing of the implementation is imported.

What no black box can know is left out: when a server is full (SERVER_FULL), how long it waits for
a name (TIMEOUT), how much may wait for a client that stopped reading, TLS. Where the protocol's
text is silent, every sensible behaviour passes.

    wire.py             frames, and one client that speaks them
    room.py             the clients of one rule, and how they leave
    program.py          the program under test: start, end, last words; a client's terminal
    options.py          the command line's options, checked
    report.py           who passed what: terminal, HTML page, Gradescope
    conftest.py         how pytest comes by all this
    test_*.py           the rules
    sample-…/           correct and deliberately wrong programs that prove the rules
"""
