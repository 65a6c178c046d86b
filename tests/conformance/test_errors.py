"""Errors: a code for programs, a text for people, and the connection goes on or ends in order."""

from __future__ import annotations

import pytest

from .room import Room, blocks, leaves
from .wire import RuleBroken, require, show, verb_of

pytestmark = pytest.mark.chat

CONTROL_CHARACTERS = ["\0", "\a", "\t", "\x1b[31m", "\x7f", "\x85", "\x9b", "\n", "\r"]
NOT_UTF8 = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\xa6", b"\xe9t\xe9", b"\xbf"]


# ----------------------------------------------------------------------------- what it looks like


def test_an_error_has_a_code_in_capitals(room: Room) -> None:
    """What goes wrong is answered `ERROR <CODE> <text>`, the code in capitals as the table has it.

    Probable mistake: another spelling of the codes?
    """
    answer = room.connect().ask("HELP")
    require(
        answer.startswith("ERROR UNKNOWN_COMMAND"),
        f"HELP was answered {show(answer)}, not ERROR UNKNOWN_COMMAND <text>",
    )


def test_an_error_has_a_text(room: Room) -> None:
    """Behind the code of an error stands a text for people to read.

    Probable mistake: the code alone is sent?
    """
    alice, bob, nobody = room.join("alice"), room.join("bob"), room.connect()
    blocks(bob, alice)
    stranger = room.name("stranger")
    asked = {
        nobody: ("HELP", "GET_NAMES x", "MSG bob hi", "NAME !", f"NAME {alice}", "a\tb"),
        alice: (
            f"MSG {stranger} hi",
            f"MSG {bob} hi",
            f"BLOCK {stranger}",
            f"BLOCK {alice}",
            f"UNBLOCK {bob}",
        ),
    }
    for client, requests in asked.items():
        for request in requests:
            client.send(request)
            answer = client.answer(show(request))
            require(
                verb_of(answer) != "ERROR" or answer.split(" ", 2)[2:] not in ([], [""]),
                f"{show(request)} was answered {show(answer)}, without a text for people",
            )


def test_an_error_ends_nothing(room: Room) -> None:
    """After an error the connection goes on, save after BAD_FRAME.

    Probable mistake: an exception for a wrong request leaves the loop that serves the client?
    """
    alice, nobody = room.join("alice"), room.connect()
    for client in (nobody, alice):
        client.connect_again = None
        for request in ("HELP", "MSG", "NAME !", "NAME a b", "UNBLOCK nobody", "GET_NAMES x"):
            client.send(request)
            client.answer(show(request))
        client.settles()


# ----------------------------------------------------------------------------------- what is wrong


def test_an_unknown_verb(room: Room) -> None:
    """There is no such verb: UNKNOWN_COMMAND, and the connection goes on.

    Probable mistake: nothing is answered, or the first letters are enough?
    """
    client = room.connect()
    for request in (
        "HELP",
        "NAMES",
        "NAMEalice",
        "GET_NAME",
        "EX",
        "MSG\u00a0bob hi",
        "ÉXIT",
        "HELLO alice",
        "EXIT!",
    ):
        client.is_refused(request, "UNKNOWN_COMMAND")
    client.settles()


def test_an_empty_payload_is_no_command(room: Room) -> None:
    """An empty payload is UNKNOWN_COMMAND, and so is one that begins with a space.

    Probable mistake: an IndexError of split()[0], or no answer?
    """
    client = room.connect()
    for payload in ("", " ", " GET_NAMES"):
        client.is_refused(payload, "UNKNOWN_COMMAND")
    client.settles()


def test_a_missing_argument(room: Room) -> None:
    """An argument is missing or empty: BAD_ARGUMENTS, and the text shows the usage.

    Probable mistake: an IndexError or ValueError of a split() that finds too few words?
    """
    alice = room.join("alice")
    for verb in ("NAME", "MSG", "BLOCK", "UNBLOCK"):
        for request in (verb, f"{verb} "):
            text = alice.is_refused(request, "BAD_ARGUMENTS")
            if text and verb not in text.upper():
                raise RuleBroken(
                    f"{show(text)} does not show how {verb} is used",
                    "does the text of BAD_ARGUMENTS show the usage of the verb?",
                )
    for request in ("MSG bob", "MSG bob ", "MSG BROADCAST", "MSG BROADCAST ", "MSG  hi", "MSG  "):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_a_password_that_is_missing(room: Room) -> None:
    """`PASS` takes a password, whatever it is: without one, or with an empty one, BAD_ARGUMENTS.

    Probable mistake: where no password is wanted, nothing is looked at, not even whether it is
    there?
    """
    alice = room.join("alice")
    for request in ("PASS", "PASS "):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_an_empty_argument_is_one(room: Room) -> None:
    """`GET_NAMES` and `EXIT` take no argument, not even an empty one: with a space and nothing
    behind it they are BAD_ARGUMENTS, and the connection goes on.

    Probable mistake: split() or strip() makes the space disappear?
    """
    alice = room.join("alice")
    for request in ("GET_NAMES ", "EXIT "):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_a_surplus_argument(room: Room) -> None:
    """`GET_NAMES` and `EXIT` take no argument: BAD_ARGUMENTS, and the connection goes on.

    Probable mistake: only the first word is looked at?
    """
    alice = room.join("alice")
    for request in ("GET_NAMES please", "EXIT now", "GET_NAMES a b"):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_a_name_is_required(room: Room) -> None:
    """Before a client has a name, `MSG`, `BLOCK` and `UNBLOCK` answer NAME_REQUIRED and do nothing.

    Probable mistake: a message from None?
    """
    alice, nobody = room.join("alice"), room.connect()
    alice.settles()
    for request in (f"MSG {alice} hi", "MSG BROADCAST hi", f"BLOCK {alice}", f"UNBLOCK {alice}"):
        nobody.is_refused(request, "NAME_REQUIRED")
    alice.gets_nothing(events=True)
    nobody.is_told(f"HELLO {room.name('bob')}", f"NAME {room.name('bob')}")


def test_nobody_of_that_name(room: Room) -> None:
    """Nobody here is called that: NO_SUCH_NAME; never was, has left, or goes by another name now.

    Probable mistake: nothing is answered, or an old name is still in a table?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.is_refused(f"MSG {room.name('nobody')} hi", "NO_SUCH_NAME")
    alice.is_refused("MSG ! hi", "NO_SUCH_NAME")
    leaves(bob)
    alice.is_refused(f"MSG {bob} hi", "NO_SUCH_NAME")
    alice.is_refused(f"BLOCK {bob}", "NO_SUCH_NAME")


def test_a_payload_that_is_not_utf8(room: Room) -> None:
    """The payload is not UTF-8: BAD_TEXT, and the connection goes on.

    Probable mistake: a UnicodeDecodeError that nobody catches, or decode() with errors="ignore" or
    "replace"?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for bad in NOT_UTF8:
        for request in (bad, f"MSG {bob} ".encode() + bad, b"NAME " + bad):
            alice.is_refused(request, "BAD_TEXT")
    alice.settles()
    bob.gets_nothing(events=True)


def test_control_characters(room: Room) -> None:
    """The payload holds control characters (Unicode Cc): BAD_TEXT, and nobody gets it.

    Probable mistake: not all of them are looked for (U+007F to U+009F too), or not in all requests?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for control in CONTROL_CHARACTERS:
        somewhere = (f"MSG {bob} a{control}b", f"NAME a{control}b", f"HELP{control} me")
        for request in (*somewhere, f"PASS a{control}b"):
            alice.is_refused(request, "BAD_TEXT")
        alice.is_refused(f"MSG BROADCAST {control}!", "BAD_TEXT")
    bob.gets_nothing(events=True)


# ------------------------------------------------------------------------------- which goes first


def test_bad_text_goes_before_everything(room: Room) -> None:
    """When several errors apply, BAD_TEXT goes before UNKNOWN_COMMAND, BAD_ARGUMENTS and so on.

    Probable mistake: the text is checked only where it is used?
    """
    nobody = room.connect()
    for request in ("HELP\0", "GET_NAMES \a", "MSG nobody \x1b", "BLOCK \x7f", "NAME BROADCAST\0"):
        nobody.is_refused(request, "BAD_TEXT")


def test_bad_arguments_go_before_name_required(room: Room) -> None:
    """When several errors apply, a missing, empty or surplus argument goes before NAME_REQUIRED,
    and UNKNOWN_COMMAND goes before both.

    Probable mistake: the name is asked for before the request is taken apart?
    """
    nobody = room.connect()
    for request in ("MSG", "MSG bob", "MSG bob ", "MSG  hi", "BLOCK", "UNBLOCK "):
        nobody.is_refused(request, "BAD_ARGUMENTS")
    nobody.is_refused("HELP me", "UNKNOWN_COMMAND")


def test_nothing_visible_goes_before_name_required(room: Room) -> None:
    """When several errors apply, a text with nothing visible in it is BAD_ARGUMENTS, before
    NAME_REQUIRED and NO_SUCH_NAME.

    Probable mistake: the text is looked at only once everything else is right?
    """
    alice, nobody = room.join("alice"), room.connect()
    for client in (nobody, alice):
        for text in (" ", "\u200b"):
            client.is_refused(f"MSG {room.name('stranger')} {text}", "BAD_ARGUMENTS")


def test_name_required_goes_before_what_is_wrong_with_a_name(room: Room) -> None:
    """When several errors apply, NAME_REQUIRED goes before NO_SUCH_NAME, NOT_BLOCKED and TOO_LONG.

    Probable mistake: the addressee is looked up before the sender?
    """
    nobody, stranger = room.connect(), room.name("stranger")
    requests = (f"MSG {stranger} hi", f"BLOCK {stranger}", f"UNBLOCK {stranger}", "BLOCK BROADCAST")
    for request in (*requests, "MSG BROADCAST " + "x" * 9985):
        nobody.is_refused(request, "NAME_REQUIRED")


def test_bad_arguments_go_before_no_such_name(room: Room) -> None:
    """When several errors apply, an empty argument goes before NO_SUCH_NAME.

    Probable mistake: the addressee is looked up before the text?
    """
    room.join("alice").is_refused(f"MSG {room.name('nobody')} ", "BAD_ARGUMENTS")


def test_too_long_goes_last(room: Room) -> None:
    """When several errors apply, NO_SUCH_NAME and BLOCKED go before TOO_LONG.

    Probable mistake: the length is checked before the addressee?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.ask(f"BLOCK {alice}")
    text = "x" * (9999 - len(f"MSG {bob} "))
    alice.is_refused(f"MSG {bob} {text}", "BLOCKED")
    stranger = room.name("nobody")
    text = "x" * (9999 - len(f"MSG {stranger} "))
    alice.is_refused(f"MSG {stranger} {text}", "NO_SUCH_NAME")


# ---------------------------------------------------------------------------------- the bad frame


def are_bad_frames(room: Room, *fields: bytes) -> None:
    """Insist that each of these in place of a length field ends a connection, the reason first."""
    for field in fields:
        broken = room.connect()
        broken.send_bytes(field + b"x" * 200)
        broken.gets_error(f"{show(field)} for a length", "BAD_FRAME")
        broken.last_frames()
        broken.close()


def test_a_length_that_is_no_number(room: Room) -> None:
    """The length field is not four digits: BAD_FRAME, the server closes, and the reason arrives
    first.

    Probable mistake: a ValueError of int() that nobody catches, or a close without a word?
    """
    are_bad_frames(room, b"GET_", b"12.5", b"0x10", b"12\r\n", b"    ", b"\0\0\0\x09", b"999x")


def test_a_length_that_only_int_understands(room: Room) -> None:
    """`+123`, ` 12 `, `1_00` and `-001` are not length fields, whatever int() thinks of them.

    Probable mistake: int() is asked, and it knows signs, spaces and underscores?
    """
    are_bad_frames(room, b"+123", b" 12 ", b"1_00", b"-001", b"12\n\n", b" 123", b"\t9 \n", b"-000")


def test_digits_of_other_scripts(room: Room) -> None:
    """Digits of other scripts are not a length field: each of the four is an ASCII digit.

    Probable mistake: isdigit() of a str knows the digits of all scripts?
    """
    as_utf8 = ("٠٩".encode(), "2१".encode(), "९2".encode(), "０9".encode(), "²²".encode())
    are_bad_frames(room, *as_utf8, b"\xb2\xb9\xb3\xb9")


def test_a_bad_frame_is_a_departure(room: Room) -> None:
    """Whose connection is closed after BAD_FRAME has left like any other: `LEFT <name>` to the
    others, and the name is free.

    Probable mistake: the socket is closed, but the name stays in a table?
    """
    alice, broken = room.join("alice"), room.join("broken")
    alice.settles()
    broken.send_bytes(b"oops")
    broken.gets_error("'oops' for a length", "BAD_FRAME")
    last = broken.last_frames()
    require(not last, f"after BAD_FRAME came {show(last)}, not the end of the connection")
    alice.gets(f"LEFT {broken}")
    alice.gets_nothing(events=True)
    room.called(broken.name)


# ----------------------------------------------------------------------------------- the password


def test_a_password_that_nobody_wants(room: Room) -> None:
    """On a server without a password, or once it is accepted, `PASS` answers ACCEPTED and is not
    looked at.

    Probable mistake: is the verb missing, or the password taken apart at its spaces?
    """
    alice, nobody = room.join("alice"), room.connect()
    for client in (nobody, alice):
        client.is_told("ACCEPTED", "PASS anything at all")
        client.is_told("ACCEPTED", "PASS  x ")
    alice.send(f"MSG {alice} still-here")
    alice.gets(f"MSG {alice} {alice} still-here")
