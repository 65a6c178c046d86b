"""The client on Windows with a pipe, a file or NUL for a stream, and what a console shows of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from client.person import Room
from client.piped import free_port
from harness import Client

from windows.machine import (
    HERE,
    Seat,
    StartThere,
    client_command,
    colorama,
    on_windows,
    run_there,
    there,
)

pytestmark = [on_windows, pytest.mark.slow]

REDIRECTED = there(HERE / "redirected.py")


def assert_ended_well(seat: Seat) -> None:
    """The program ended by itself, and a console shows no traceback."""
    assert seat.wait_for_exit() == 0
    assert "Traceback" not in seat.text()


def test_piped_lines_are_said(room: Room, bob: Client) -> None:
    done = run_there(*client_command(room.port, "bot"), typed="grüße\r\n漢字 😀\n".encode())
    bob.expect("JOINED bot", "MSG bot BROADCAST grüße", "MSG bot BROADCAST 漢字 😀", "LEFT bot")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bot: grüße" in done.stdout


def test_lines_of_a_file_are_said_and_the_output_is_another(
    room: Room, bob: Client, start_there: StartThere, tmp_path: Path
) -> None:
    (tmp_path / "said").write_text("één\ntwo à\n", encoding="utf-8")
    files = there(tmp_path / "said"), there(tmp_path / "shown"), "-"
    seat = start_there(REDIRECTED, *files, *client_command(room.port, "bot"))
    bob.expect("JOINED bot", "MSG bot BROADCAST één", "MSG bot BROADCAST two à", "LEFT bot")
    assert_ended_well(seat)
    shown = (tmp_path / "shown").read_bytes()
    assert "bot: één".encode() in shown
    assert b"\x1b" not in shown
    assert b"\b" not in shown


@pytest.mark.parametrize("output", ["NUL", "a console"])
def test_nul_is_no_person(room: Room, bob: Client, start_there: StartThere, output: str) -> None:
    streams = "NUL", "NUL" if output == "NUL" else "-", "-"
    seat = start_there(REDIRECTED, *streams, *client_command(room.port, "bot"))
    bob.expect("JOINED bot", "LEFT bot")
    assert_ended_well(seat)


def test_typed_in_a_console_while_the_output_is_a_pipe(
    room: Room, bob: Client, start_there: StartThere, tmp_path: Path
) -> None:
    (tmp_path / "shown").touch()  # the pipe is read from the start
    seat = start_there(
        *(REDIRECTED, "-", "|", "-"),
        *client_command(room.port, "bot"),
        PIPED=there(tmp_path / "shown"),
    )
    bob.expect("JOINED bot")
    for text in ("café, voilà", "grüße", "яблоко €"):
        seat.put(text, "enter")
        bob.expect(f"MSG bot BROADCAST {text}")
    seat.put("ctrl-z", "enter")  # the end of what is typed, in a console
    bob.expect("LEFT bot")
    assert_ended_well(seat)
    assert "bot: café, voilà" in (tmp_path / "shown").read_text(encoding="utf-8")


def test_the_wire_in_a_file_is_utf_8(
    room: Room, bob: Client, start_there: StartThere, tmp_path: Path
) -> None:
    (tmp_path / "said").write_text("héllo\n", encoding="utf-8")
    files = there(tmp_path / "said"), there(tmp_path / "shown"), there(tmp_path / "errors")
    seat = start_there(REDIRECTED, *files, *client_command(room.port, "bot", "--wire"))
    bob.expect("JOINED bot", "MSG bot BROADCAST héllo", "LEFT bot")
    assert_ended_well(seat)
    shown = (tmp_path / "shown").read_text(encoding="utf-8")
    assert "→ 0008│NAME bot" in shown
    assert "← 0009│HELLO bot" in shown
    assert "→ 0020│MSG BROADCAST héllo" in shown
    assert (tmp_path / "errors").read_bytes() == b""


# ------------------------------------------------------------------------------------- no server


def assert_one_sentence(*arguments: str, words: str) -> None:
    """The client ends with one sentence for people."""
    done = run_there("chat_client.py", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr
    assert "nknown error" not in done.stderr


def test_nothing_listens_there() -> None:
    assert_one_sentence("127.0.0.1", str(free_port()), words="Nothing listens on port")


def test_a_network_out_of_reach_is_named_in_words() -> None:
    """Whether a machine has such a network is its own affair: Winsock's number for it is played."""
    number = 10051  # WSAENETUNREACH
    done = run_there("-c", f"import chat.sockets; print(chat.sockets.what_failed({number}))")
    assert done.returncode == 0, done.stderr
    assert "nknown" not in done.stdout
    assert len(done.stdout.split()) >= 3, done.stdout


# --------------------------------------------------------------------------------------- colours

# A console as it was before Windows 10: it refuses to take escape sequences.
OLD_CONSOLE = (
    "import sys, ctypes; sys.path.insert(0, '.'); "
    "ctypes.windll.kernel32.SetConsoleMode = lambda *_: 0; "
    "import chat_client; sys.exit(chat_client.main())"
)
LETTERS = 0x07  # white on black, FOREGROUND_RED | FOREGROUND_GREEN | FOREGROUND_BLUE
BRIGHT = 0x08  # FOREGROUND_INTENSITY


@pytest.mark.parametrize("version", ["", "0.4.4", "0.4.6"], ids=["absent", "old", "new"])
def test_colorama_of_any_age(
    room: Room, bob: Client, start_there: StartThere, version: str
) -> None:
    """A console that takes escape sequences gets them, whether or not there is a colorama."""
    path = colorama(version) if version else ""
    seat = start_there(*client_command(room.port, "anna"), TERM="", PYTHONPATH=path)
    bob.expect("JOINED anna")
    seat.put("held", "left", "lo worl", "enter")
    bob.expect("MSG anna BROADCAST hello world")
    bob.send("MSG BROADCAST welcome")
    seat.shows(": welcome")
    assert shows_colours(seat, "bob", ": welcome")
    seat.put("/quit", "enter")
    bob.expect("LEFT anna")
    assert_ended_well(seat)


def shows_colours(seat: Seat, speaker: str, said: str) -> bool:
    """Whether a speaker has a colour: as escape sequences, which Wine shows raw, or carried out."""
    row = next(row for row in seat.rows()[0] if said in row)
    return f"{speaker}{said}" not in row or seat.attributes(said) != {LETTERS}


def test_no_color(room: Room, bob: Client, start_there: StartThere) -> None:
    for options, environment in ((), {"NO_COLOR": "1"}), (("--no-color",), {}):
        command = client_command(room.port, "anna", *options)
        seat = start_there(*command, **{"TERM": "", **environment})
        bob.expect("JOINED anna")
        bob.send("MSG BROADCAST welcome")
        seat.shows(": welcome")
        assert not shows_colours(seat, "bob", ": welcome")
        seat.put("/quit", "enter")
        bob.expect("LEFT anna")


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
@pytest.mark.parametrize("version", ["", "0.4.4"], ids=["absent", "old"])
def test_an_old_console(
    room: Room, bob: Client, start_there: StartThere, version: str, environment: dict[str, str]
) -> None:
    """It shows no escape sequence raw; colorama puts colours on it, where they are wanted."""
    seat = start_there(
        *("-c", OLD_CONSOLE, *client_command(room.port, "anna")[1:]),
        **{"TERM": "", "PYTHONPATH": colorama(version) if version else "", **environment},
    )
    bob.expect("JOINED anna")
    seat.put("held", "left", "lo worl", "enter")
    bob.expect("MSG anna BROADCAST hello world")
    seat.sees("anna: hello world")
    coloured = {LETTERS, LETTERS | BRIGHT} if version and not environment else {LETTERS}
    assert seat.attributes("anna: hello world") == coloured
    seat.is_asked("anna> ")
    assert "\x1b" not in seat.text()
    assert "[" not in seat.text()  # what is left of an escape sequence there
