"""Makes docs/window.png, the picture of the README: the window client in a conversation.

    python docs/window.py

The window is the real one, on a screen that only Xvfb knows; what Xvfb has drawn is taken from
its memory. Needs Xvfb, Tk, and pytest installed, for it uses the tests' server and clients.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
import tkinter
import zlib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from harness import ServerProcess  # noqa: E402

from chat.client.window.start import parse_arguments  # noqa: E402
from chat.client.window.window import Window  # noqa: E402

SCREEN = "1024x768x24"
FRAME = b"\xb0\xb0\xa8"  # one pixel of this around the window: there is no window manager
DEADLINE = 20.0  # seconds


def main() -> None:
    """Hold the conversation and save what the window shows."""
    near, far = os.pipe()
    with tempfile.TemporaryDirectory() as folder, os.fdopen(near) as number:
        command = ["Xvfb", "-displayfd", str(far), "-screen", "0", SCREEN, "-dpi", "96"]
        screen = subprocess.Popen([*command, "-nocursor", "-fbdir", folder], pass_fds=[far])
        os.close(far)
        os.environ["DISPLAY"] = f":{number.readline().strip()}"
        server = ServerProcess()
        try:
            root = converse(server)
            size = root.winfo_width(), root.winfo_height()
            rows = window_rows(Path(folder, "Xvfb_screen0").read_bytes(), *size)
            (HERE / "window.png").write_bytes(png(rows))
        finally:
            server.close()
            screen.kill()
            screen.wait()


def converse(server: ServerProcess) -> tkinter.Tk:
    """Let a few people talk, one of them at a window; return that."""
    jose, bob, eve = server.people("José", "bob", "eve")
    root = tkinter.Tk()
    options = parse_arguments([server.host, str(server.port), "--name", "alice"])
    window = Window(root, options)
    text = window.conversation.text

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, text.get("1.0", "end")
            root.update()

    def wait_for(words: str) -> None:
        wait(lambda: words in text.get("1.0", "end"))

    def say(line: str) -> None:
        window.entry.put(line)
        window.entry.text.event_generate("<Return>")

    wait_for("here (4)")
    window.entry.text.focus_force()
    wait(lambda: bool(root.tk.call("focus", "-displayof", ".")))
    say("good morning")
    wait_for("alice: good morning")
    jose.send("MSG BROADCAST hello alice, ready for the exercise?")
    wait_for("ready for")
    say("/msg José is it due today?")
    wait_for("is it due")
    jose.send("MSG alice tomorrow; bob and I have just begun with the frames")
    wait_for("tomorrow")
    eve.send("MSG BROADCAST buy now buy now buy now")
    wait_for("buy now")
    say("/block eve")
    wait_for("you block eve")
    bob.send("MSG BROADCAST my length field counts characters, and José has five bytes")
    wait_for("five bytes")
    say("/msg jose len(text.encode())")
    wait_for("! ")
    window.write_to("José")
    wait(window.to_all.winfo_viewable)
    window.entry.put("the length is that of the bytes, s")
    root.update()
    root.winfo_pointerx()  # an answer from Xvfb: it has drawn all that came before the question
    return root


def window_rows(dump: bytes, width: int, height: int) -> list[bytes]:
    """Return the rows of a window in the screen's upper left corner, three bytes a pixel.

    `dump` is in the format of xwd: 25 numbers (XWDFile.h), the colour map, the pixels.
    """
    header = struct.unpack(">25I", dump[:100])
    header_size, line_size, colours = header[0], header[12], header[19]
    start = header_size + colours * 12  # bytes: an entry of the colour map has twelve
    rows = []
    for y in range(height):
        row = dump[start + y * line_size :][: width * 4]  # blue, green, red, nothing
        pixels = bytearray(width * 3)
        pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(FRAME + bytes(pixels) + FRAME)
    edge = FRAME * (width + 2)
    return [edge, *rows, edge]


def png(rows: list[bytes]) -> bytes:
    """Return a picture in the format PNG (W3C), 8 bits a colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    unfiltered = b"".join(b"\0" + row for row in rows)
    pixels = zlib.compress(unfiltered, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
