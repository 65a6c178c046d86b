"""Makes docs/terminals.svg, the picture of the README: three terminals in one conversation.

    python docs/terminals.py

The programs are the real ones, each in a pseudo-terminal of its own; what they show is drawn as
it stands on their screens. POSIX only, and needs pytest installed, for it uses the tests' terminal.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from terminal.emulator import Cell, Screen  # noqa: E402
from terminal.pseudo import Terminal  # noqa: E402

COLUMN, ROW = 8.4, 18  # pixels that one character takes
MARGIN, TITLE = 12, 26  # pixels around a terminal's text, and of its title bar
WORDS = re.compile(r"\S+(?: \S+)*")
SERVER_SIZE, CLIENT_SIZE = (104, 14), (50, 15)  # columns and rows


def main() -> None:
    """Hold the conversation and draw it."""
    server_command = [sys.executable, str(HERE.parent / "chat_server.py")]
    client_command = [sys.executable, str(HERE.parent / "chat_client.py"), "--name"]
    with Terminal(server_command, columns=SERVER_SIZE[0], rows=SERVER_SIZE[1]) as server:
        server.wait_for("everyone>")
        with Terminal([*client_command, "alice"], columns=CLIENT_SIZE[0], rows=CLIENT_SIZE[1]) as a:
            a.wait_for("* here (")
            with Terminal(
                [*client_command, "José"], columns=CLIENT_SIZE[0], rows=CLIENT_SIZE[1]
            ) as b:
                b.wait_for("* here (")
                a.wait_for("joined")
                converse(a, b)
                server.type("/names\r")
                server.wait_for("José ")
                server.type("Five minutes left\r")
                for pupil in (a, b):
                    pupil.wait_for("[server] Five minutes left")
                server.type("/mute ")
                server.wait_for("> /mute")
                write_picture(server.screen, a.screen, b.screen)


def converse(alice: Terminal, jose: Terminal) -> None:
    """Let two people say a few things to each other."""
    for speaker, listener, typed, seen in (
        (alice, jose, "good morning", "alice: good morning"),
        (
            jose,
            alice,
            "I read today's exercise twice, and my select() loop still waits for the wrong socket",
            "wrong socket",
        ),
        (alice, jose, "José, do you watch the listener as well?", "» alice: José, do"),
        (jose, alice, "/msg alice no! how could I forget", "» José → alice: no!"),
    ):
        speaker.type(f"{typed}\r")
        listener.wait_for(seen)
    alice.type("/msg José\r")
    alice.wait_for("alice → José>")
    alice.type("it happens to everyo")
    alice.wait_for("> it happens to everyo")
    jose.wait_for("José → alice: no!")


def write_picture(server: Screen, alice: Screen, jose: Screen) -> None:
    """Draw the three screens, the server's above the others."""
    upper = terminal_size(server)
    lower = terminal_size(alice)
    gap = upper[0] - 2 * lower[0]
    size = (upper[0], upper[1] + gap + lower[1])
    below = upper[1] + gap
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" '
        f'width="{size[0]:.0f}" height="{size[1]:.0f}">',
        "<style>text { font: 14px 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #222; "
        "white-space: pre } .title { fill: #666; font-size: 12px }</style>",
        *draw_terminal(server, 0, 0, "python chat_server.py"),
        *draw_terminal(alice, 0, below, "python chat_client.py --name alice"),
        *draw_terminal(jose, lower[0] + gap, below, "python chat_client.py --name José"),
        "</svg>\n",
    ]
    (HERE / "terminals.svg").write_text("\n".join(parts), encoding="utf-8")


def terminal_size(screen: Screen) -> tuple[float, float]:
    """Return the width and height of a terminal in pixels."""
    rows = len(screen.rows)
    return screen.columns * COLUMN + 2 * MARGIN, rows * ROW + 2 * MARGIN + TITLE


def draw_terminal(screen: Screen, left: float, top: float, title: str) -> list[str]:
    """Return the elements that show one terminal: frame, title, text and cursor."""
    width, height = terminal_size(screen)
    text_left, text_top = left + MARGIN, top + TITLE + MARGIN
    parts = [
        f'<rect x="{left + 0.5:.1f}" y="{top + 0.5:.1f}" width="{width - 1:.1f}" '
        f'height="{height - 1:.1f}" rx="7" fill="#fdfdfb" stroke="#b8b8b0"/>',
        f'<text class="title" x="{left + MARGIN:.1f}" y="{top + 18:.1f}">$ {escape(title)}</text>',
    ]
    row, column = screen.cursor
    parts.append(
        f'<rect x="{text_left + column * COLUMN:.1f}" y="{text_top + row * ROW:.1f}" '
        f'width="{COLUMN}" height="{ROW}" fill="#9a9a92"/>'
    )
    for number, cells in enumerate(screen.rows):
        baseline = text_top + number * ROW + 14
        parts += draw_row(cells.cells, text_left, baseline)
    return parts


def draw_row(cells: list[Cell], left: float, baseline: float) -> list[str]:
    """Return one text element for each run of cells in the same style."""
    parts = []
    start = 0
    while start < len(cells):
        end = start
        while end < len(cells) and cells[end].style == cells[start].style:
            end += 1
        text = "".join(cell.text for cell in cells[start:end])
        # Without indents: a renderer may fold spaces, and textLength would stretch the rest.
        parts += [
            f'<text x="{left + (start + words.start()) * COLUMN:.1f}" y="{baseline:.1f}" '
            f'textLength="{len(words[0]) * COLUMN:.1f}"{style_of(cells[start])}>'
            f"{escape(words[0])}</text>"
            for words in WORDS.finditer(text)
        ]
        start = end
    return parts


def style_of(cell: Cell) -> str:
    """Return the SVG attributes for what a CSI … m has set: bold, or one of 256 colours."""
    weight, _, colour = cell.style.partition("38;5;")
    looks = "font-weight: bold; " if weight.startswith("1") else ""
    if colour:
        red, rest = divmod(int(colour) - 16, 36)  # xterm's cube of 6 x 6 x 6 colours
        levels = (0, 95, 135, 175, 215, 255)
        looks += "fill: #" + "".join(f"{levels[part]:02x}" for part in (red, *divmod(rest, 6)))
    return f' style="{looks}"' if looks else ""


if __name__ == "__main__":
    main()
