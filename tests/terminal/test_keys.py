"""What a terminal sends becomes keys, however it is cut; typed in a real one, at the client."""

from __future__ import annotations

import threading
import time

import pytest
from client.person import Desk, OpenDesk, each_size, prepared_client
from harness import wait_until

import chat_protocol as protocol
from terminal.pseudo import HOME, LEFT, PASTE_START, UP, paste


@pytest.mark.parametrize(
    "key",
    [
        "\x1b[15~",
        "\x1b[1;5A",
        "\x1b[1;2C",
        "\x1b[24;2~",
        "\x1bOP",
        "\x1bO5P",
        "\x1b[[A",
        "\x1b[Z",
        "\x1b[2~",
        "\x1b[5~",
        "\x1b[6~",
        "\x1b[E",
        "\x1b[I",
        "\x1bx",
        "\x1b[38;5;1$y",
        "\x00",
        "\x1c",
        "\x1d",
        "\x1f",
    ],
)
def test_keys_that_mean_nothing_are_ignored_whole(desk: Desk, key: str) -> None:
    desk.person.type("one" + key + "two")
    desk.person.shows_line("onetwo")
    desk.wait_until_shown()
    desk.person.shows_line("onetwo")


@pytest.mark.parametrize("key", ["\x1b[1;5D", "\x1b[5D", "\x1bOd", "\x1b[1;3D", "\x1bb", "\x1bB"])
def test_keys_that_go_back_by_a_word(desk: Desk, key: str) -> None:
    desk.person.type("one two three" + key + key)
    desk.person.shows_line("one ", "two three")


@pytest.mark.parametrize("key", ["\x1b[1;5C", "\x1b[5C", "\x1bOc", "\x1b[1;3C", "\x1bf", "\x1bF"])
def test_keys_that_go_on_by_a_word(desk: Desk, key: str) -> None:
    desk.person.type("one two three" + HOME + key + key)
    desk.person.shows_line("one two", " three")


@pytest.mark.slow
def test_escape_alone_does_not_swallow_what_is_typed_later(desk: Desk) -> None:
    desk.person.type("one\x1b")
    desk.person.shows_line("one")
    # Escape with a key right behind it is Alt with that key, so here time itself is the event.
    later = time.monotonic() + 0.5
    wait_until(lambda: time.monotonic() > later, "half a second has passed")
    desk.person.type("two")
    desk.person.shows_line("onetwo")


def test_a_character_may_come_in_pieces(desk: Desk) -> None:
    for byte in "é漢😀ם".encode():
        desk.person.type(bytes([byte]))
        desk.wait_until_shown()
    desk.person.shows_line("é漢😀ם")
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST é漢😀ם")


def test_bytes_that_are_no_characters_do_no_harm(desk: Desk) -> None:
    desk.person.type(b"a\xff\xc3(b")
    desk.person.has_typed("b")
    desk.person.type("\r")
    sent = desk.connection.receive()
    assert sent.startswith("MSG BROADCAST a")
    assert sent.endswith("(b")


@each_size
def test_a_paste_may_come_in_pieces(desk: Desk) -> None:
    for byte in paste("é\nש").encode():
        desk.person.type(bytes([byte]))
        desk.connection.send("JOINED somebody")
    desk.person.wait_for(lambda screen: "2 lines" in screen.running_text())
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST é", "MSG BROADCAST ש")


@each_size
def test_nothing_in_a_paste_is_a_key(desk: Desk) -> None:
    desk.person.type("x" + paste(f"b\tb{UP}{LEFT}\x03\x15c"))
    desk.person.has_typed("c")
    desk.person.type("\r")
    sent = desk.connection.receive()
    assert sent.startswith("MSG BROADCAST xb b")
    assert sent.endswith("c")
    assert protocol.decode(sent.encode()) == sent  # no control character goes out


@pytest.mark.slow
def test_a_paste_that_never_ends_does_not_lock_the_keyboard(open_desk: OpenDesk) -> None:
    desk = open_desk(
        program=prepared_client("from chat.terminal import keys; keys.PASTE_SECONDS = 0.2")
    )
    desk.person.type(PASTE_START + "half a paste")
    desk.person.shows_line("half a paste")  # after a moment in which its end did not come
    desk.person.type("!")
    desk.person.shows_line("half a paste!")


def test_keys_are_echoed_in_a_narrower_window_that_answers_no_question(open_desk: OpenDesk) -> None:
    """However fast they come: the answer is not waited for anew after each of them."""
    person = open_desk().person
    person.screen.is_mute = True
    person.type("x" * 40)
    person.shows_line("x" * 40)
    person.resize(20, 24)
    enough = threading.Event()

    def hold_key_down() -> None:
        while not enough.wait(0.01):
            person.type_unread("o")  # the other thread reads

    key = threading.Thread(target=hold_key_down)
    key.start()
    try:
        person.has_typed("ooo")
    finally:
        enough.set()
        key.join()


@each_size
def test_pasting_is_told_apart_from_typing_while_it_runs(own_desk: Desk) -> None:
    assert own_desk.person.screen.modes["2004"]
    own_desk.person.type("/quit\r")
    own_desk.connection.end()
    assert own_desk.person.wait_exit() == 0
    assert not own_desk.person.screen.modes["2004"]
