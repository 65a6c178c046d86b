"""Editing a line in a Windows console: special keys, the letter à, history, completion, width."""

from __future__ import annotations

import pytest
from client.person import Room
from harness import Client

from windows.machine import Seat, Sit, StartThere, client_command, on_windows

pytestmark = on_windows
slow = pytest.mark.slow


@slow
def test_the_arrow_keys_edit(anna: Seat, bob: Client) -> None:
    anna.put("held", "left")
    anna.shows_line("hel", "d")
    anna.put("lo worl")
    anna.shows_line("hello worl", "d")
    anna.put("enter")
    bob.expect("MSG anna BROADCAST hello world")
    anna.sees("anna: hello world")


@slow
@pytest.mark.parametrize("keys", ["ctrl-{}", "ctrl-{} on the number pad", "alt-{}"])
def test_keys_that_move_by_words(anna: Seat, keys: str) -> None:
    left, right = keys.format("left"), keys.format("right")
    anna.put("one, two three", left, left, "X")
    anna.shows_line("one, X", "two three")
    anna.put("home", right, right, "Y")
    anna.shows_line("one, XtwoY", " three")


@slow
def test_alt_with_a_letter_moves_by_words(anna: Seat) -> None:
    anna.put("one two three", "alt-b", "alt-b", "X", "alt-f", "Y")
    anna.shows_line("one XtwoY", " three")


@slow
def test_a_special_key_types_nothing_and_nothing_comes_with_the_next(anna: Seat) -> None:
    for key, before, after in [
        ("left", "a", "bc"),
        ("right", "abc", ""),
        ("home", "", "abc"),
        ("end", "abc", ""),
        ("delete", "ab", ""),
        *((key, "ab", "c") for key in ("insert", "f1", "f12", "escape", "shift")),
        ("up", "", ""),  # there is nothing yet
        ("down", "", ""),
    ]:
        text = ("abc", "left") if before or after else ()
        anna.put(*text)
        anna.shows_line(*(("ab", "c") if text else ("",)))
        anna.put(key)
        anna.put("Z")
        anna.shows_line(before + "Z", after)
        anna.put("end", "ctrl-u")
        anna.shows_line("")


@slow
def test_many_special_keys_and_letters_in_one_go(anna: Seat) -> None:
    anna.put("K", "left", "M", "right", "à", "left", "left", "H", "home", "àà", "end", "S", "left")
    anna.shows_line("ààMHKà", "S")


@slow
def test_the_letter_a_with_grave_is_a_letter(anna: Seat, bob: Client) -> None:
    anna.types("àK")  # two letters, not the key Left
    anna.put("backspace", "left", "l", "end")
    anna.shows_line("là")
    anna.put("enter")
    bob.expect("MSG anna BROADCAST là")
    for text in ("voilà", "à la carte", "çà et là", "àààK", "là-bas, voilà tout", "à€àøàяà"):
        anna.types(text)
        anna.put("enter")
        bob.expect(f"MSG anna BROADCAST {text}")
        anna.put(text)  # quickly, or pasted
        anna.shows_line(text)
        anna.put("enter")
        bob.expect(f"MSG anna BROADCAST {text}")


@slow
def test_wide_and_two_unit_characters(anna: Seat, bob: Client) -> None:
    anna.put("漢字é😀!", "left", "left", "ß", "left", "left", "left", "backspace", "家", "enter")
    bob.expect("MSG anna BROADCAST 家字éß😀!")
    anna.put("a👨‍👩‍👧b", "left", "backspace", "🙂", "à😀à", "enter")
    bob.expect("MSG anna BROADCAST a🙂à😀àb")
    bob.send("MSG BROADCAST é ש я")
    anna.sees("bob: é ש я")


@slow
def test_history(anna: Seat, bob: Client) -> None:
    for text in ("first", "second"):
        anna.put(text, "enter")
        bob.expect(f"MSG anna BROADCAST {text}")
    anna.put("draft")
    anna.shows_line("draft")
    for key, text in [("up", "second"), ("up", "first"), ("down", "second"), ("down", "draft")]:
        anna.put(key)
        anna.shows_line(text)
    anna.put("up")
    anna.put("enter")
    bob.expect("MSG anna BROADCAST second")


@slow
def test_completion(anna: Seat, bob: Client) -> None:
    anna.types("/ms")
    anna.put("tab")
    anna.shows_line("/msg ")
    anna.put("b")
    anna.put("tab")
    anna.shows_line("/msg bob ")
    anna.put("psst", "enter")
    bob.expect("MSG anna bob psst")


@slow
def test_what_is_said_meanwhile_leaves_the_line(anna: Seat, bob: Client) -> None:
    anna.put("half a", "left")
    anna.shows_line("half ", "a")
    bob.send("MSG BROADCAST hello", "MSG anna psst")
    anna.sees("bob: hello")
    anna.shows_line("half ", "a")


@slow
def test_ctrl_c_clears_the_line_and_leaves_on_an_empty_one(anna: Seat, bob: Client) -> None:
    anna.put("never said")
    anna.shows_line("never said")
    anna.ctrl_c()
    anna.shows_line("")
    anna.put("hello", "enter")
    bob.expect("MSG anna BROADCAST hello")
    anna.ctrl_c()
    anna.shows("* Ctrl+C again leaves")
    anna.ctrl_c()
    bob.expect("LEFT anna")
    assert anna.wait_for_exit() == 0
    assert "Traceback" not in anna.text()


@slow
def test_ctrl_c_again_and_again_until_it_has_ended(sit: Sit) -> None:
    for _ in range(5):
        seat = sit("anna")
        while seat.runs():
            seat.ctrl_c()
        # STATUS_CONTROL_C_EXIT: one that came when Python had put its signal handlers away.
        assert seat.wait_for_exit() in (0, 0xC000013A)
        assert "Traceback" not in seat.text()


@slow
@pytest.mark.parametrize("keys", [("ctrl-d",), ("/quit", "enter")])
def test_leaving(anna: Seat, bob: Client, keys: tuple[str, ...]) -> None:
    anna.put(*keys)
    bob.expect("LEFT anna")
    assert anna.wait_for_exit() == 0


@slow
def test_a_name_is_asked_for(room: Room, bob: Client, start_there: StartThere) -> None:
    seat = start_there(*client_command(room.port))
    seat.shows("Your name")
    seat.put("zoé", "left", "right", "enter")
    bob.expect("JOINED zoé")
    seat.is_asked("zoé> ")


@slow
def test_the_line_follows_the_width_of_the_window_without_a_key(sit: Sit) -> None:
    seat = sit("anna")
    text = "".join(map(chr, range(ord("0"), ord("0") + 60)))
    seat.put(text)
    seat.shows_line(text)
    seat.resize(40)
    seat.wait_for(
        lambda rows, column: rows[-1].startswith(seat.prompt) and rows[-1].endswith(text[-15:]),
        "the end of the line is seen in the narrow window",
    )
    rows, _ = seat.rows()
    assert len(rows[-1]) <= 40
    assert sum(row.startswith(seat.prompt) for row in rows) == 1, "a piece of it stayed behind"
    seat.resize(100)
    seat.shows_line(text)
