"""A short correct client, and on request one with a classic mistake.

    python threads_client.py HOST PORT [--mistake NAME]

One thread reads the keyboard with input(), another shows what the server sends.
"""

from __future__ import annotations

import argparse
import os
import socket
import struct
import threading
import tty

MISTAKES = (
    "characters",
    "one_recv",
    "after_enter",
    "unknown_verb",
    "words",
    "words_shown",
    "stripped",
    "no_pass",
    "one_line",
    "silent_exit",
    "reset",
)


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
        sender, _, text = rest.split(" ", 2)
        if mistake == "words_shown":
            text = " ".join(text.split())
        print(f"\x1b[1m{sender}\x1b[0m: {text}", flush=True)
    elif mistake == "unknown_verb" and verb not in ("HELLO", "NAMES", "BYE", "ERROR"):
        os._exit(1)
    else:
        print(payload, flush=True)


def first_line(waiting: bytearray) -> str:
    """Take one line of what the keyboard has; what came behind it waits for the next key."""
    while True:
        waiting += os.read(0, 4096)
        line, end, rest = waiting.partition(b"\n")
        if end:
            waiting[:] = rest
            return line.decode()


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
    waiting = bytearray()
    if mistake == "one_line":
        tty.setcbreak(0)  # as programs do that edit their line themselves
    while True:
        try:
            line = input("> ") if mistake != "one_line" else first_line(waiting)
        except EOFError:
            break
        if line == "EXIT" and mistake == "silent_exit":
            break
        if mistake == "words":
            line = " ".join(line.split())
        if mistake == "stripped":
            line = line.strip()
        if mistake == "no_pass" and line.startswith("PASS "):
            continue
        connection.sendall(encode(line, mistake))
        if mistake == "after_enter":
            length = int(connection.recv(4))
            show(connection.recv(length).decode(), mistake)
        if line == "EXIT" and mistake == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            os._exit(0)
        if line == "EXIT":
            reader.join(1)
            break


if __name__ == "__main__":
    main()
