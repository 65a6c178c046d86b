"""What a typed line means: a command, a request in capitals, something to say, long or pasted."""

from __future__ import annotations

import re

import pytest
from harness import Client, ServerProcess
from terminal.pseudo import paste

import chat_protocol as protocol
from client.person import Desk, OpenDesk, Person, each_size

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
FLAG = "🇮🇱"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("NAME alice", "NAME alice"),
        ("GET_NAMES", "GET_NAMES"),
        ("MSG bob hi  there", "MSG bob hi  there"),
        ("MSG BROADCAST hi", "MSG BROADCAST hi"),
        ("BLOCK bob", "BLOCK bob"),
        ("UNBLOCK bob", "UNBLOCK bob"),
        ("PASS open sesame", "PASS open sesame"),
        ("/name alice", "NAME alice"),
        ("/names", "GET_NAMES"),
        ("/who", "GET_NAMES"),
        ("/info", "GET_NAMES"),
        ("/msg bob hi", "MSG bob hi"),
        ("/send bob hi", "MSG bob hi"),
        ("/msg zoë hi", "MSG zoë hi"),
        ("/all hi all", "MSG BROADCAST hi all"),
        ("/echo hi all", "MSG BROADCAST hi all"),
        ("/block bob", "BLOCK bob"),
        ("/unblock bob", "UNBLOCK bob"),
        ("hi all", "MSG BROADCAST hi all"),
        ("שלום לכולם 😀", "MSG BROADCAST שלום לכולם 😀"),
        ("//text", "MSG BROADCAST /text"),
        ("///", "MSG BROADCAST //"),
        ("name alice", "MSG BROADCAST name alice"),
        ("msg bob hi", "MSG BROADCAST msg bob hi"),
        ("NAMELY this", "MSG BROADCAST NAMELY this"),
        ("EXIT now", "EXIT now"),  # the server will explain it: EXIT takes no argument
        ("GET_NAMES please", "GET_NAMES please"),
        ("MSG bob", "MSG bob"),
        ("I said EXIT", "MSG BROADCAST I said EXIT"),
    ],
)
def test_a_typed_line_becomes_its_request(desk: Desk, typed: str, sent: str) -> None:
    desk.person.type(typed + "\r")
    desk.connection.expect(sent)
    desk.person.shows_line("")


def test_help_shows_the_commands_and_sends_nothing(desk: Desk) -> None:
    desk.person.type("/help\r")
    desk.person.shows_line("")
    for command in ("/msg", "/names", "/name", "/block", "/unblock", "/quit"):
        desk.person.wait_for(command)
    desk.person.type("/who\r")
    desk.connection.expect("GET_NAMES")


def test_an_unknown_command_is_said_to_be_none(desk: Desk) -> None:
    desk.person.type("/dance wildly\r")
    desk.person.wait_for(
        lambda screen: re.search(r"^\d\d:\d\d ! .*/dance", screen.text(), re.MULTILINE)
    )
    desk.person.type("/who\r")
    desk.connection.expect("GET_NAMES")


def test_empty_lines_are_not_sent(desk: Desk) -> None:
    desk.person.type("\r\r   \rhello\r")
    desk.connection.expect("MSG BROADCAST hello")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("good morning", "me: good morning"),
        ("/all to all", "me: to all"),
        ("/msg bob hi", "me → bob: hi"),
        ("MSG bob so it goes", "me → bob: so it goes"),
        ("MSG broadcast hi all", "me: hi all"),
        ("//help", "me: /help"),
    ],
)
def test_ones_own_words_are_shown(desk: Desk, typed: str, shown: str) -> None:
    desk.person.type(typed + "\r")
    desk.person.sees(shown)
    desk.connection.receive()


@each_size
def test_r_answers_whoever_wrote_privately_last(desk: Desk) -> None:
    desk.connection.send("MSG alice me psst", "MSG bob BROADCAST to all")
    desk.wait_until_shown()
    desk.person.type("/r yes?\r")
    desk.connection.expect("MSG alice yes?")
    desk.connection.send("MSG bob me and me", "RENAMED bob robert")
    desk.wait_until_shown()
    desk.person.type("/r you too\r")
    desk.connection.expect("MSG robert you too")


@each_size
def test_r_without_anybody_to_answer_says_so(own_desk: Desk) -> None:
    before = own_desk.person.screen.text().count("! ")
    own_desk.person.type("/r hello\r")
    own_desk.person.wait_for(lambda screen: screen.text().count("! ") > before)
    own_desk.person.type("/who\r")
    own_desk.connection.expect("GET_NAMES")


@each_size
def test_the_block_list_is_shown(own_desk: Desk) -> None:
    own_desk.connection.send("BLOCKED bob", "BLOCKED zoe", "BLOCKED eve", "UNBLOCKED eve")
    own_desk.connection.send("RENAMED bob robert")
    own_desk.wait_until_shown()
    own_desk.person.type("/blocked\r")
    own_desk.person.wait_for(
        lambda screen: re.search("block .*robert,? zoe|block zoe robert", screen.running_text())
    )
    own_desk.person.type("/who\r")
    own_desk.connection.expect("GET_NAMES")


# ------------------------------------------------------------------------------------ pasted lines


@each_size
def test_pasted_lines_say_how_many_they_are_and_wait_for_enter(desk: Desk) -> None:
    desk.person.type(paste("one\ntwo\n\nthree\n"))
    desk.person.wait_for(lambda screen: re.search(r"\b[34] lines", screen.running_text()))
    desk.connection.send("MSG bob BROADCAST wait")
    desk.wait_until_shown()
    desk.person.type("\r")
    desk.connection.expect(*(f"MSG BROADCAST {word}" for word in ("one", "two", "three")))
    desk.person.shows_line("")


@each_size
def test_no_pasted_line_is_lost(desk: Desk) -> None:
    lines = [f"{number}: שלום, wörld 😀" for number in range(300)]
    desk.person.type("first: " + paste("\n".join(lines)))
    desk.person.wait_for(lambda screen: "300 lines" in screen.running_text())
    desk.person.say_at_length(paste(" and last"))
    lines[0], lines[-1] = "first: " + lines[0], lines[-1] + " and last"
    desk.connection.expect(*(f"MSG BROADCAST {line}" for line in lines))


@pytest.mark.parametrize("head", ["/msg bob ", "/send bob ", "MSG bob ", "/r "])
def test_a_private_paste_stays_private(desk: Desk, head: str) -> None:
    desk.connection.send("MSG bob me psst")
    desk.wait_until_shown()
    desk.person.type(head + paste("one\n  /two\n\nEXIT") + "\r")
    desk.connection.expect("MSG bob one", "MSG bob   /two", "MSG bob EXIT")


@pytest.mark.parametrize("head", ["/mgs bob ", "/r ", "/msg "])
@pytest.mark.slow
def test_a_private_paste_to_nobody_is_not_read_by_everyone(open_desk: OpenDesk, head: str) -> None:
    desk = open_desk()
    desk.person.type(head + paste("\none\ntwo") + "\r")
    desk.person.wait_for("! The lines behind it were not sent.")
    desk.person.type("hello\r")
    while (payload := desk.connection.receive()) != "MSG BROADCAST hello":
        assert payload == "MSG"


@each_size
def test_pasted_lines_that_look_like_commands_are_said(desk: Desk) -> None:
    desk.person.type(paste("#!/bin/sh\n/usr/bin/env python\n/names") + "\r")
    desk.connection.expect(
        "MSG BROADCAST #!/bin/sh", "MSG BROADCAST /usr/bin/env python", "GET_NAMES"
    )


@each_size
def test_blank_lines_are_not_counted(desk: Desk) -> None:
    desk.person.type(paste("one\r\n\r\ntwo\r\n"))
    sentence = "* 2 lines pasted: Enter sends them, Ctrl+C drops them"
    desk.person.wait_for(lambda screen: sentence in screen.running_text())


# ---------------------------------------------------------------------------------- long messages


def receive_parts(connection: Client, head: str, last: str) -> list[str]:
    """Receive the parts of one message, up to the one that ends in `last`."""
    parts: list[str] = []
    while not parts or not parts[-1].endswith(last):
        payload = connection.receive()
        assert payload.startswith(head), payload[:60]
        parts.append(payload.removeprefix(head))
    return parts


@pytest.mark.parametrize("command", ["", "/msg bob "])
@pytest.mark.slow
def test_a_long_message_is_split_between_words(desk: Desk, command: str) -> None:
    text = " ".join(f"wörd{number}" for number in range(3000)) + " end"
    desk.person.say_at_length(paste(text), command)
    addressee = "bob" if command else "BROADCAST"
    parts = receive_parts(desk.connection, f"MSG {addressee} ", "end")
    assert len(parts) > 1
    assert " ".join(parts) == text
    for part in parts:
        # The server puts the sender in front of it, and it must still fit.
        assert len(f"MSG me {addressee} {part}".encode()) <= protocol.MAX_PAYLOAD_SIZE


@pytest.mark.parametrize("character", ["漢", "e\u0301", FAMILY, FLAG, "👍🏽", "שָׁ", "각"])
@pytest.mark.slow
def test_a_long_word_is_split_between_characters(desk: Desk, character: str) -> None:
    text = character * (12000 // len(character.encode()))
    desk.person.say_at_length(paste("a" + text + "."))
    parts = receive_parts(desk.connection, "MSG BROADCAST ", ".")
    assert len(parts) > 1
    assert "".join(parts) == f"a{text}."
    for part in parts:
        assert part.strip("a.").replace(character, "") == ""
        assert len(f"MSG me BROADCAST {part}".encode()) <= protocol.MAX_PAYLOAD_SIZE


@pytest.mark.slow
def test_the_real_server_takes_every_part(server: ServerProcess) -> None:
    name = "י" * protocol.MAX_NAME_LENGTH
    text = " ".join(["word"] * 5000)
    with Person(server.port, name) as me:
        me.wait_for("* here (")
        listener = server.connect("bob")
        me.get_ready().say_at_length(paste(text + " end"))
        parts = receive_parts(listener, f"MSG {name} BROADCAST ", "end")
        assert " ".join(parts) == text + " end"
        assert "! " not in me.screen.text()
