"""A first solution: about a hundred lines that know frames, NAME, GET_NAMES, MSG and EXIT.

    python first_steps.py 8820

It passes the `core` rules and few others. There are no broadcasts, no blocking and no events,
its errors have no codes, and it believes that one recv() returns whole frames.
"""

import select
import socket
import sys

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()

clients: list[socket.socket] = []
names: dict[socket.socket, str] = {}


def send(client: socket.socket, text: str) -> None:
    data = text.encode()
    client.sendall(str(len(data)).zfill(4).encode() + data)


def receive_exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data


def remove(client: socket.socket) -> None:
    clients.remove(client)
    names.pop(client, None)
    client.close()


def find(name: str) -> "socket.socket | None":
    for client, taken in names.items():
        if taken == name:
            return client
    return None


def handle_name(client: socket.socket, name: str) -> None:
    if not name or " " in name:
        send(client, "ERROR a name is one word")
    elif find(name) not in (None, client):
        send(client, "ERROR this name is in use")
    else:
        names[client] = name
        send(client, "HELLO " + name)


def handle_message(client: socket.socket, arguments: str) -> None:
    name, _, text = arguments.partition(" ")
    other = find(name)
    if client not in names:
        send(client, "ERROR who are you?")
    elif other is None:
        send(client, "ERROR nobody has this name")
    else:
        send(other, f"MSG {names[client]} {name} {text}")


def handle(client: socket.socket, text: str) -> None:
    command, _, arguments = text.partition(" ")
    if command == "NAME":
        handle_name(client, arguments)
    elif command == "GET_NAMES":
        send(client, " ".join(["NAMES", str(len(names)), *names.values()]))
    elif command == "MSG":
        handle_message(client, arguments)
    elif command == "EXIT":
        send(client, "BYE")
        remove(client)
    else:
        send(client, "ERROR what?")


while True:
    readable, _, _ = select.select([server, *clients], [], [])
    for ready in readable:
        if ready is server:
            new_client, _ = server.accept()
            clients.append(new_client)
            continue
        try:
            length = receive_exactly(ready, 4)
            if not length:
                remove(ready)
                continue
            handle(ready, receive_exactly(ready, int(length)).decode())
        except (OSError, ValueError):
            if ready in clients:
                remove(ready)
