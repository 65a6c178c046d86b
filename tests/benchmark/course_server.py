"""A chat server in the manner of the course's classic skeleton, to be compared with.

Not an example to follow: every socket blocks, so one client that sends half a frame or does not
read stops everybody, and one that resets its connection ends the server. It is what most first
solutions look like, and on a good day it is quick.
"""

import select
import socket
import sys

Client = socket.socket


def receive_message(client: Client) -> str:
    length = client.recv(4).decode()
    if not length:
        return ""
    return client.recv(int(length)).decode()


def create_message(text: str) -> bytes:
    data = text.encode()
    return str(len(data)).zfill(4).encode() + data


def handle_message(text: str, sender: Client, names: dict[str, Client]) -> list[tuple[Client, str]]:
    """Return what is to be sent, and to whom."""
    command, _, arguments = text.partition(" ")
    if command == "NAME":
        names[arguments] = sender
        return [(sender, "HELLO " + arguments)]
    sender_name = next(name for name, client in names.items() if client is sender)
    addressee, _, message = arguments.partition(" ")
    answer = f"MSG {sender_name} {addressee} {message}"
    if addressee == "BROADCAST":
        return [(client, answer) for client in names.values() if client is not sender]
    return [(names[addressee], answer)]


def main() -> None:
    server_socket = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("Listening on 127.0.0.1:" + str(server_socket.getsockname()[1]), flush=True)
    client_sockets: list[Client] = []
    names: dict[str, Client] = {}
    messages_to_send: list[tuple[Client, str]] = []
    while True:
        # The skeleton also asks which sockets are writable. Nearly all are at any time, so that
        # select() never sleeps; without that question this server is a better one than most.
        ready_to_read, _, _ = select.select([server_socket, *client_sockets], [], [])
        for current_socket in ready_to_read:
            if current_socket is server_socket:
                connection, _ = current_socket.accept()
                client_sockets.append(connection)
                continue
            text = receive_message(current_socket)
            if text:
                messages_to_send += handle_message(text, current_socket, names)
            else:
                client_sockets.remove(current_socket)
                names = {name: client for name, client in names.items() if client in client_sockets}
                current_socket.close()
        for recipient, answer in messages_to_send:
            recipient.send(create_message(answer))
        messages_to_send.clear()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass  # the way to stop it
