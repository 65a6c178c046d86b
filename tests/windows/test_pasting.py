"""Pasting into a Windows console, which delivers a paste as keys: it waits for Enter as one."""

from __future__ import annotations

import pytest
from client.person import Room
from harness import Client

from windows.machine import Seat, on_windows

pytestmark = [on_windows, pytest.mark.slow]


@pytest.fixture
def carl(room: Room) -> Client:
    """Somebody in the room who hears only what everyone hears, and was here first."""
    return room.raw("carl")


def test_several_pasted_lines_wait_for_enter(anna: Seat, bob: Client) -> None:
    anna.paste("one\ntwo\nthree\n")
    anna.shows("3 lines pasted: Enter sends them")
    anna.shows_line("one⏎two⏎three")
    bob.round_trip()  # which would fail, had anything been said
    anna.put("enter")
    bob.expect(*(f"MSG anna BROADCAST {text}" for text in ("one", "two", "three")))


def test_a_paste_that_is_not_wanted(anna: Seat, bob: Client) -> None:
    anna.paste("never\nsaid\n")
    anna.shows("2 lines pasted: Enter sends them")
    anna.ctrl_c()
    anna.shows_line("")
    anna.put("hello", "enter")
    bob.expect("MSG anna BROADCAST hello")


@pytest.mark.parametrize(
    "parts",
    [
        ("/msg bob one\ntwo\nthree",),
        ("/msg bob one\n", "two\nthree"),
        ("/msg bob one", "\ntwo\n", "three"),
        ("/msg ", "bob ", "one\nt", "wo\nthr", "ee"),
        ("/msg bob ", *"one\ntwo\nthree"),
    ],
    ids=["at once", "at a line's end", "before one", "anywhere", "key by key"],
)
def test_lines_pasted_behind_msg_are_private(
    carl: Client, bob: Client, anna: Seat, parts: tuple[str, ...]
) -> None:
    carl.expect("JOINED bob", "JOINED anna")
    anna.paste(*parts)
    anna.shows("3 lines pasted: Enter sends them")
    anna.put("enter")
    bob.expect(*(f"MSG anna bob {text}" for text in ("one", "two", "three")))
    carl.round_trip()  # which would fail, had they been told to everyone


def test_lines_pasted_behind_a_typed_msg_are_private(carl: Client, bob: Client, anna: Seat) -> None:
    carl.expect("JOINED bob", "JOINED anna")
    anna.types("/msg bob ")
    anna.paste("one\ntwo\n")
    anna.shows("2 lines pasted: Enter sends them")
    anna.put("enter")
    bob.expect("MSG anna bob one", "MSG anna bob two")
    carl.round_trip()


def test_a_long_paste(anna: Seat, bob: Client) -> None:
    lines = [f"{number} là-bas, voilà tout 😀" for number in range(25)]
    anna.paste("".join(f"{line}\n" for line in lines))
    anna.shows("25 lines pasted: Enter sends them")
    anna.put("enter")
    bob.expect(*(f"MSG anna BROADCAST {line}" for line in lines))


def test_a_pasted_tab_completes_nothing(anna: Seat, bob: Client) -> None:
    anna.paste("/msg b\tone\nn\ttwo\n")
    anna.shows("2 lines pasted: Enter sends them")
    anna.shows_line("/msg b one⏎n two")


def test_one_line_and_enter_in_one_burst_is_sent_at_once(anna: Seat, bob: Client) -> None:
    anna.paste("hello world\n")
    bob.expect("MSG anna BROADCAST hello world")
    anna.paste("/msg bob psst\n")
    bob.expect("MSG anna bob psst")


def test_a_word_pasted_into_a_line(anna: Seat, bob: Client) -> None:
    anna.types("he world")
    anna.put(*["left"] * 6)
    anna.shows_line("he", " world")
    anna.paste("llo there, whole")
    anna.shows_line("hello there, whole", " world")


def test_lines_typed_quickly_are_not_taken_for_a_paste(anna: Seat, bob: Client) -> None:
    for text in ("yes", "no", "ok"):
        anna.types(text)
        anna.put("enter")
    bob.expect(*(f"MSG anna BROADCAST {text}" for text in ("yes", "no", "ok")))
    assert "pasted" not in anna.text()
