"""A TLS server whose every write is a partial one, and whose every read leaves something over."""

from __future__ import annotations

from harness import prepared_server

# The kernel takes a few KiB at a time, and less than one TLS record (16 KiB) is read at a time, so
# that decrypted bytes are left in OpenSSL.
CRAMPED = """
import socket, chat_server, chat.server.places
chat_server.RECEIVE_SIZE = 1000
prepare = chat.server.places.prepare
def prepare_cramped(client):
    prepare(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
chat.server.places.prepare = prepare_cramped
"""


def cramped_program(preparation: str = "") -> tuple[str, ...]:
    """Return a cramped server, for ServerProcess(program=…), with more lines to run before it."""
    return prepared_server(CRAMPED + preparation)
