"""A short correct client, and on request one with a classic mistake.

    python threads_client.py HOST PORT [--mistake NAME]

One thread reads the keyboard with input(), another shows what the server sends.
"""

from __future__ import annotations

import argparse
import os
import socket
import threading

MISTAKES = ("characters", "one_recv", "after_enter", "unknown_verb", "words", "silent_exit")


def encode(text: str, mistake: str) -> bytes:
    data = text.encode()
    length = len(text) if mistake == "characters" else len(data)
    return b"%04d" % length + data


def show_frames(connection: socket.socket, mistake: str) -> None:
    stream = connection.makefile("rb")
    while length := stream.read(4):
        payload = stream.read(int(length)).decode()
        show(payload, mistake)
    os._exit(0)  # input() would wait for one more line


def show_one_frame(connection: socket.socket) -> None:
    """One recv() for the length, one for the payload: as if TCP kept them together."""
    while length := connection.recv(4):
        print(connection.recv(int(length)).decode(errors="replace"))


def show(payload: str, mistake: str) -> None:
    verb, _, rest = payload.partition(" ")
    if verb == "MSG":
        sender, _, text = rest.partition(" ")[0], "", rest.split(" ", 2)[2]
        print(f"\x1b[1m{sender}\x1b[0m: {text}", flush=True)
    elif mistake == "unknown_verb" and verb not in ("HELLO", "NAMES", "BYE", "ERROR"):
        os._exit(1)
    else:
        print(payload, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat client with two threads.")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--mistake", choices=MISTAKES, default="")
    options = parser.parse_args()
    mistake = options.mistake
    connection = socket.create_connection((options.host, options.port))
    reader = threading.Thread(target=show_frames, args=(connection, mistake), daemon=True)
    if mistake == "one_recv":
        reader = threading.Thread(target=show_one_frame, args=(connection,), daemon=True)
    if mistake != "after_enter":
        reader.start()
    while True:
        try:
            line = input("> ")
        except EOFError:
            break
        if line == "EXIT" and mistake == "silent_exit":
            break
        if mistake == "words":
            line = " ".join(line.split())
        connection.sendall(encode(line, mistake))
        if mistake == "after_enter":
            length = int(connection.recv(4))
            show(connection.recv(length).decode(), mistake)
        if line == "EXIT":
            reader.join(1)
            break


if __name__ == "__main__":
    main()
