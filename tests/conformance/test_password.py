"""The password of a server that has one; the suite is told it with --password."""

from __future__ import annotations

import pytest

from .room import Room
from .wire import require, show

pytestmark = pytest.mark.chat


@pytest.fixture(autouse=True)
def password(pytestconfig: pytest.Config) -> str:
    """The server's password; the rules about it are skipped where there is none."""
    word: str = pytestconfig.getoption("password", "")
    if not word:
        pytest.skip("is about a server that has a password: --password says which")
    return word


def test_everything_waits_for_the_password(room: Room) -> None:
    """On a server with a password, everything but `PASS` and `EXIT` answers PASSWORD_REQUIRED until
    it is accepted; only BAD_TEXT goes before it.

    Probable mistake: an unknown verb, or a bad argument, is answered before the password is there?
    """
    newcomer = room.knock()
    for request in (
        "GET_NAMES",
        "NAME alice",
        "NAME",
        "MSG bob hi",
        "MSG",
        "HELP",
        "",
        "GET_NAMES x",
    ):
        newcomer.is_refused(request, "PASSWORD_REQUIRED")
    newcomer.is_refused("HELP\0", "BAD_TEXT")


def test_the_password_opens(room: Room, password: str) -> None:
    """`PASS <password>` is answered `ACCEPTED`, and everything works afterwards.

    Probable mistake: the password is compared with its case or its spaces changed?
    """
    newcomer = room.knock()
    newcomer.is_told("ACCEPTED", f"PASS {password}")
    newcomer.is_told(f"HELLO {room.name('alice')}", f"NAME {room.name('alice')}")


def test_a_wrong_password(room: Room, password: str) -> None:
    """A wrong password is BAD_PASSWORD, and the connection goes on: another try is allowed.
    All that follows the space is the password, spaces included.

    Probable mistake: strip(), or only as many letters are compared as were sent?
    """
    for wrong in (f"{password}x", f"{password} ", f" {password}", "x", password[:-1] or "x"):
        newcomer = room.knock()
        newcomer.is_refused(f"PASS {wrong}", "BAD_PASSWORD")
        newcomer.is_refused("GET_NAMES", "PASSWORD_REQUIRED")
        newcomer.is_told("ACCEPTED", f"PASS {password}")


def test_the_third_wrong_password_closes(room: Room, password: str) -> None:
    """At the third wrong password the server closes, and the reason arrives first.

    Probable mistake: passwords may be guessed for ever?
    """
    newcomer = room.knock()
    for _ in range(3):
        newcomer.is_refused(f"PASS {password}x", "BAD_PASSWORD")
    last = newcomer.last_frames()
    require(not last, f"after the third BAD_PASSWORD came {show(last)}, not the end")


def test_exit_needs_no_password(room: Room) -> None:
    """`EXIT` works without the password.

    Probable mistake: every verb is refused?
    """
    newcomer = room.knock()
    newcomer.send("EXIT")
    last = newcomer.last_frames()
    require(last == ["BYE"], f"EXIT was answered {show(last)}, not BYE")
