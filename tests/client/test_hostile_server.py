"""A server that means harm: what it tells without end is not remembered without end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import frames, needs_proc, peak_bytes

from chat.client.commands import Commands
from chat.client.lines import Lines
from chat.client.roster import MAX_PEOPLE, NAMES_SHOWN, Roster
from chat.client.session import Session
from client.person import Desk
from client.piped import PipedClient
from client.played import PlayedServer

MOST_BYTES = 100 * 1024 * 1024  # of which Python itself takes a quarter


def endless_list() -> Iterator[str]:
    """NAMES frames that never come to their end."""
    for number in range(3_000):
        names = " ".join(f"{number}n{person}" for person in range(1_000))
        yield f"NAMES 999999999 {names}"


def long_names(form: str) -> Iterator[str]:
    """Frames with ever new names, as long as they fit."""
    for number in range(10_000):
        yield form.format(f"{number}{'x' * 9_000}")


@needs_proc
@pytest.mark.parametrize(
    "told",
    [
        pytest.param(endless_list, id="NAMES", marks=pytest.mark.slow),
        pytest.param(lambda: long_names("JOINED {}"), id="JOINED", marks=pytest.mark.slow),
        pytest.param(lambda: long_names("MSG {} me hi"), id="MSG", marks=pytest.mark.slow),
        pytest.param(lambda: long_names("BLOCKED {}"), id="BLOCKED", marks=pytest.mark.slow),
    ],
)
def test_what_a_server_makes_up_does_not_fill_the_memory(
    told: object, played: PlayedServer
) -> None:
    assert callable(told)
    with PipedClient("--port", str(played.port), "--name", "me") as client:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send_meanwhile(frames("HELLO me", *told(), "INFO the end"))
        client.prints("the end")
        assert peak_bytes(client.process.pid) < MOST_BYTES


def test_a_room_is_known_up_to_a_bound_and_the_rest_is_counted(desk: Desk) -> None:
    names = [f"n{number}" for number in range(2 * MAX_PEOPLE)]
    for start in range(0, len(names), 1_000):
        desk.connection.send(f"NAMES {len(names)} {' '.join(names[start : start + 1_000])}")
    desk.person.wait_for(f"and {len(names) - NAMES_SHOWN} more")


def test_who_comes_into_a_full_room_is_told_of_and_not_listed() -> None:
    lines = Lines()
    roster = Roster(lines, lambda _: None, interactive=True)
    for number in range(MAX_PEOPLE + 10):
        assert roster.news("JOINED", [f"n{number}"])
    assert len(roster.people) == MAX_PEOPLE
    said = [line.text for line in lines.take()]
    assert said[MAX_PEOPLE] == f"{MAX_PEOPLE} people are here; no more are listed"
    assert said[-1] == f"n{MAX_PEOPLE + 9} joined"


def test_a_number_of_any_length_may_be_taken() -> None:
    roster = Roster(Lines(), lambda name: None, interactive=True)
    roster.list_people(1, ["9" * 20])
    assert roster.free_name("9" * 10_000) == "1" + "0" * 20


def test_a_list_that_is_broken_off_by_another_is_forgotten() -> None:
    roster = Roster(Lines(), lambda _: None, interactive=True)
    assert not roster.list_people(999_999_999, ["x", "y"])
    assert not roster.list_people(3, ["alice", "bob"])
    assert roster.list_people(3, ["carol"])
    assert [*roster.people] == ["alice", "bob", "carol"]


def test_what_cannot_be_sent_any_more_is_not_shown_as_said() -> None:
    session = Session("127.0.0.1", 1)
    session.end(0)
    Commands(session).typed("hello")
    assert session.lines.take() == []
