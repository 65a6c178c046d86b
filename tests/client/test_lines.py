"""What the client shows: the news of the room as lines with the time, in colours, harmless."""

from __future__ import annotations

import time

import pytest
from terminal.pseudo import CLEAR_LINE

import chat_protocol as protocol
from client.person import Desk, Person, Room
from client.played import PlayedServer


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ("MSG alice BROADCAST good morning", "alice: good morning"),
        ("MSG alice BROADCAST two  spaces", "alice: two  spaces"),
        ("MSG alice me psst", "» alice → me: psst"),
        ("MSG דנה BROADCAST שלום 😀", "דנה: שלום 😀"),
        ("JOINED carol", "* carol joined"),
        ("LEFT carol", "* carol left"),
        ("RENAMED bob robert", "* bob is now robert"),
        ("NAMES 3 alice bob carol", "* here (3): alice, bob, carol"),
        ("BLOCKED bob", "* you block bob"),
        ("ERROR NO_SUCH_NAME Nobody here is called X.", "! Nobody here is called X."),
        ("INFO The server is tired.", "[server] The server is tired."),
    ],
)
def test_a_frame_is_shown_as_a_line_with_the_time(desk: Desk, frame: str, shown: str) -> None:
    desk.connection.send(frame)
    desk.wait_until_shown()  # a line of who came would wait for others who come
    desk.person.sees(shown)
    desk.person.shows_line("")


@pytest.mark.parametrize(
    "frame",
    [
        *("DANCE wildly", "hello me", "MSG", "MSG alice", "HELLO", "NAMES many", "JOINED", "LEFT"),
        *("RENAMED a", "BLOCKED", "UNBLOCKED", "BLOCKED two words"),
    ],
)
def test_frames_that_it_does_not_know_are_shown(desk: Desk, frame: str) -> None:
    desk.connection.send(frame)
    desk.person.sees(f"* {frame}")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "INFO",
        "ERROR",
        "ERROR ODD",
        "NAMES",
        "NAMES " + "9" * 5000,
        "NAMES ²",
        "LEFT nobody",
        "MSG  me hi",
    ],
)
def test_frames_that_make_no_sense_do_no_harm(desk: Desk, frame: str) -> None:
    desk.connection.send(frame)
    desk.wait_until_shown()
    desk.person.type("/all still here\r")
    desk.connection.expect("MSG BROADCAST still here")


def test_a_list_of_names_in_several_frames_is_shown_once(desk: Desk) -> None:
    desk.connection.send("NAMES 3 ada bert", "NAMES 3 cem")
    desk.person.sees("* here (3): ada, bert, cem")
    desk.wait_until_shown()
    assert desk.person.screen.text().count("ada, bert") == 1


def test_the_time_is_the_one_on_the_wall(played: PlayedServer) -> None:
    with Person(played.port, "me", environment={"TZ": "IST-5:30"}) as person:
        played.accept().welcome("me")
        earliest = time.time()
        person.wait_for("here (1): me")
        shown = person.screen.text().splitlines()[-2][:5]
        moments = (earliest - 60, earliest, time.time())
        assert shown in [time.strftime("%H:%M", time.gmtime(m + 5.5 * 3600)) for m in moments]


def test_two_people_talk(room: Room) -> None:
    alice = room.person("alice")
    bob = room.person("bob")
    alice.type("good morning\r")
    alice.sees("alice: good morning")
    alice.sees("* bob joined")
    bob.sees("alice: good morning")
    bob.type("/msg alice psst\r")
    bob.sees("bob → alice: psst")
    alice.sees("» bob → alice: psst")
    bob.type("/name robert\r")
    alice.sees("* bob is now robert")
    alice.type("/block robert\r")
    alice.sees("* you block robert")
    bob.type("/msg alice hello?\r")
    bob.sees("! alice does not want your messages. (/msg alice hello?)")
    bob.type("/quit\r")
    assert bob.wait_exit() == 0
    alice.type("/names\r")
    alice.sees("* robert left")
    assert alice.screen.unknown == bob.screen.unknown == []


def test_control_characters_are_shown_and_never_sent_to_the_terminal(own_desk: Desk) -> None:
    attack = "\x1b]0;owned\x07\x1b[2J\r\b\n\t\x7f\x9b2J\x85\u2028"
    person = own_desk.person
    own_desk.connection.send(
        f"MSG eve{attack} BROADCAST {attack}",
        f"MSG eve{attack} me {attack}",
        f"JOINED {attack}",
        f"LEFT {attack}",
        f"RENAMED {attack} {attack}",
        f"NAMES 1 {attack}",
        f"UNBLOCKED {attack}",
        f"BLOCKED {attack}",
        f"INFO {attack}",
        f"ERROR ODD {attack}",
        f"ERROR {attack}",
        attack,
        f"HELLO {attack}",
    )
    person.type(f"/msg eve{attack[1:]} hi\r")
    for keys in (
        "/blocked\r",
        "/r\r",
        "/r hi\r",
        "/msg \t\t\t\t",
        CLEAR_LINE,
        "/msg eve\t",
        CLEAR_LINE,
    ):
        person.type(keys)
        own_desk.wait_until_shown()
    assert "␛]0;owned␇␛[2J␍␈␊" in person.screen.text()
    assert person.screen.unknown == []
    for harm in (b"\x1b]0", b"\x1b[2J", b"\x07", b"\x9b2J".decode("latin-1").encode(), b"\xc2\x85"):
        assert harm not in person.written


def test_bytes_that_are_no_text_are_shown_harmlessly(desk: Desk) -> None:
    desk.connection.send_bytes(b"0022MSG alice BROADCAST \xff\xfe")
    desk.wait_until_shown()
    assert "alice: \ufffd\ufffd" in desk.person.screen.text()


def test_frames_cut_at_every_byte_are_put_together(desk: Desk) -> None:
    stream = b"".join(
        protocol.encode(payload)
        for payload in ("MSG דנה BROADCAST שלום 😀!", "JOINED zoë", "NAMES 2 me zoë")
    )
    for number in range(len(stream)):
        desk.connection.send_bytes(stream[number : number + 1])
    for shown in ("דנה: שלום 😀!", "* zoë joined", "* here (2): me, zoë"):
        desk.person.sees(shown)
