"""What belongs to one moment is one line: who comes and goes. And a new day is said."""

from __future__ import annotations

import time

import pytest
from harness import wait_until

from client.person import Desk, OpenDesk, Person, prepared_client
from client.piped import PipedClient
from client.played import PlayedServer


def shown(desk: Desk, count: int) -> list[str]:
    """Return the last lines that were shown, without the time."""
    desk.wait_until_shown()
    lines = desk.person.screen.text().splitlines()[:-2]
    return [line[6:] for line in lines[-count:]]


@pytest.mark.parametrize(
    ("frames", "lines"),
    [
        (["JOINED anna", "JOINED bob"], ["* anna and bob joined"]),
        (["JOINED anna", "JOINED bob", "JOINED carl"], ["* anna, bob and carl joined"]),
        (["LEFT anna", "LEFT bob"], ["* anna and bob left"]),
        (["JOINED anna", "LEFT bob"], ["* anna joined; bob left"]),
        (["JOINED anna", "LEFT anna"], ["* anna joined", "* anna left"]),
        (
            ["JOINED anna", "MSG anna BROADCAST hi", "JOINED bob"],
            ["* anna joined", "anna: hi", "* bob joined"],
        ),
        (["JOINED anna", "RENAMED anna zoe"], ["* anna joined", "* anna is now zoe"]),
        (
            [f"JOINED p{number}" for number in range(30)],
            ["* p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 and 18 more joined"],
        ),
    ],
)
def test_who_comes_and_goes_in_one_moment_makes_one_line(
    desk: Desk, frames: list[str], lines: list[str]
) -> None:
    desk.connection.send(*frames)
    assert shown(desk, len(lines)) == lines


@pytest.mark.slow
def test_the_line_comes_by_itself(open_desk: OpenDesk) -> None:
    desk = open_desk(
        program=prepared_client("from chat.client import lines; lines.HELD_SECONDS = 0.1")
    )
    desk.connection.send("JOINED anna", "JOINED bob")
    desk.person.sees("* anna and bob joined")


def test_what_one_types_does_not_overtake_it(desk: Desk) -> None:
    desk.connection.send("JOINED anna")
    desk.person.type("hello anna\r")
    desk.connection.expect("MSG BROADCAST hello anna")
    assert sorted(shown(desk, 2)) == ["* anna joined", "me: hello anna"]


def test_in_a_pipe_each_has_a_line(played: PlayedServer) -> None:
    with PipedClient("--port", str(played.port), "--name", "me") as client:
        connection = played.accept()
        connection.expect("NAME me")
        connection.send("HELLO me", "JOINED anna", "JOINED bob", "BYE")
        for line in ("* anna joined\n", "* bob joined\n"):
            client.prints(line)
        assert client.wait_exit() == 0


@pytest.mark.slow
def test_a_new_day_is_said_with_its_first_line(played: PlayedServer) -> None:
    """The zone is one where midnight is near: POSIX, Base Definitions, 8.3."""
    seconds = 3
    midnight = int(time.time()) + seconds
    offset = midnight % 86_400  # so far west of Greenwich is it the day's end there
    zone = f"XXX+{offset // 3600:02}:{offset // 60 % 60:02}:{offset % 60:02}"
    with Person(played.port, "me", environment={"TZ": zone}) as person:
        connection = played.accept()
        connection.welcome("me")
        person.wait_for("* here (1)")
        connection.send("MSG bob BROADCAST good night")
        person.wait_for("23:59 bob: good night")
        wait_until(lambda: time.time() > midnight, "it is midnight there")
        connection.send("MSG bob BROADCAST good morning", "MSG bob BROADCAST all")
        person.wait_for("00:00 bob: all")
        there = time.gmtime(midnight - offset)
        day = time.strftime(f"it is %A, {there.tm_mday} %B %Y", there)
        lines = person.screen.text().splitlines()
        assert lines[-4:-1] == [f"00:00 * {day}", "00:00 bob: good morning", "00:00 bob: all"]
        assert person.screen.text().count("it is ") == 1
