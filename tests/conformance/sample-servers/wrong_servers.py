"""Wrong servers: the short correct one of select_server.py, and one mistake at a time.

    python wrong_servers.py --port 8820 --mistake BroadcastEcho

Each mistake is a class that changes one thing of the room or of the connection, so that the rules
which it breaks, and only those, must fail. Without --mistake the server is correct.
"""

from __future__ import annotations

import argparse

# Each of these files holds classes alone; that they are there is all that is wanted of them.
import wrong_blocking  # noqa: F401
import wrong_connections  # noqa: F401
import wrong_endings  # noqa: F401
import wrong_messages  # noqa: F401
import wrong_names  # noqa: F401
from correct_room import Room
from select_server import Connection, serve


def mistakes() -> dict[str, type[Room] | type[Connection]]:
    """Return every mistake by its name."""
    rooms, connections = Room.__subclasses__(), Connection.__subclasses__()
    return {**{kind.__name__: kind for kind in rooms}, **{k.__name__: k for k in connections}}


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server with one mistake.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mistake", choices=mistakes(), default=None)
    options = parser.parse_args()
    mistake = mistakes().get(options.mistake)
    if mistake is not None and issubclass(mistake, Room):
        serve(options.port, mistake())
    else:
        serve(options.port, Room(), mistake or Connection)


if __name__ == "__main__":
    main()
