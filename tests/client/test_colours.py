"""Colours: one a person, readable on every background, never needed, left out where unwanted."""

from __future__ import annotations

import re

import pytest
from harness import slow_beyond

from chat.client.lines import PERSON_COLOURS, colour_number
from client.person import Desk, OpenDesk, Person, Room, assert_given_back
from client.played import CONVERSATION, names_frame

NAMES = [f"person{number}" for number in range(30)]


def channel(value: int) -> float:
    """Return the brightness of one part of a colour, 0 to 255, as light (WCAG 2.1)."""
    part = value / 255
    return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4


def contrasts(number: int) -> tuple[float, float]:
    """Return how xterm's colour stands out from black and from white (WCAG 2.1)."""
    if number >= 232:
        red = green = blue = 8 + 10 * (number - 232)
    else:
        steps = (0, 95, 135, 175, 215, 255)
        cube = number - 16
        red, green, blue = steps[cube // 36], steps[cube // 6 % 6], steps[cube % 6]
    light = 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
    return (light + 0.05) / 0.05, 1.05 / (light + 0.05)


def colours_of_names(desk: Desk) -> dict[str, str]:
    """Let everyone speak, and return the style of each name."""
    desk.connection.send(*(f"MSG {name} BROADCAST hi" for name in NAMES))
    desk.wait_until_shown()
    return {name: desk.person.screen.styles_of(f"{name}: hi")[0] for name in NAMES}


def test_each_person_keeps_one_colour(desk: Desk) -> None:
    styles = []
    for text in ("one", "two"):
        desk.connection.send(f"MSG alice BROADCAST {text}", "MSG bob BROADCAST between")
        desk.wait_until_shown()
        styles.append(desk.person.screen.styles_of(f"alice: {text}")[:5])
    assert styles[0] == styles[1]
    assert any(styles[0])


def test_colours_are_one_per_person_and_the_same_everywhere(open_desk: OpenDesk) -> None:
    first = colours_of_names(open_desk(environment={"PYTHONHASHSEED": "1"}))
    second = colours_of_names(open_desk(environment={"PYTHONHASHSEED": "2"}))
    assert first == second
    assert len(set(first.values())) >= 5


def colour_of(desk: Desk, name: str) -> str:
    """Let somebody speak, and return the style of the name."""
    desk.connection.send(f"MSG {name} BROADCAST I am {name}")
    desk.wait_until_shown()
    return desk.person.screen.styles_of(f"{name}: I am")[0]


def test_two_who_are_here_have_two_colours(desk: Desk) -> None:
    """Though the names alone would give them one."""
    first, second, third = [name for name in NAMES if not colour_number(name)][:3]
    desk.connection.send(names_frame("me", first, second, third))
    one, two = colour_of(desk, first), colour_of(desk, second)
    assert one != two
    desk.connection.send(f"LEFT {first}")
    assert colour_of(desk, second) == two
    desk.connection.send(f"RENAMED {second} robert")
    assert colour_of(desk, "robert") == two
    assert colour_of(desk, third) == one  # that is free again
    desk.connection.send(f"JOINED {first}")
    assert colour_of(desk, first) not in (one, two)
    assert (colour_of(desk, third), colour_of(desk, "robert")) == (one, two)


def test_with_more_people_than_colours_each_name_has_its_own(desk: Desk) -> None:
    crowd = [f"pupil{number}" for number in range(200)]
    desk.connection.send(names_frame("me", *crowd))
    count = len(PERSON_COLOURS)
    assert len({colour_of(desk, name) for name in crowd[:count]}) == count
    others = crowd[count : 2 * count]
    for name in others:
        assert f"38;5;{PERSON_COLOURS[colour_number(name)]}" in colour_of(desk, name)


def test_colours_can_be_read_on_black_and_on_white(desk: Desk) -> None:
    for style in colours_of_names(desk).values():
        found = re.search(r"38;5;(\d+)", style)
        assert found, f"a colour of unknown brightness: {style}"
        number = int(found[1])
        assert 16 <= number <= 255  # the first sixteen look different on every terminal
        assert min(contrasts(number)) >= 3


def test_capitals_do_not_change_a_colour(desk: Desk) -> None:
    desk.connection.send("MSG zoe BROADCAST hi", "MSG ZOE BROADCAST hi")
    desk.wait_until_shown()
    styles = desk.person.screen.styles_of
    assert styles("zoe: hi")[:3] == styles("ZOE: hi")[:3]


def test_colour_alone_means_nothing(open_desk: OpenDesk) -> None:
    shown = []
    for option in ([], ["--no-color"]):
        desk = open_desk(*option)
        desk.connection.send(*CONVERSATION)
        desk.person.type("/msg bob hi\r")
        desk.connection.receive()
        desk.person.sees("me → bob: hi")
        desk.wait_until_shown()
        shown.append(sorted(line[5:] for line in desk.person.screen.text().splitlines()))
    assert shown[0] == shown[1]


@pytest.mark.parametrize("text", ["hey me!", "ME, come here", "me"])
@pytest.mark.slow
def test_a_message_that_holds_ones_name_stands_out(open_desk: OpenDesk, text: str) -> None:
    desk = open_desk("--no-color")  # so that it is seen without any colour
    desk.connection.send(f"MSG bob BROADCAST {text}", "MSG bob BROADCAST some more")
    desk.wait_until_shown()
    lines = desk.person.screen.text().splitlines()
    plain = next(line for line in lines if "some more" in line)
    mention = next(line for line in lines if line.endswith(f"bob: {text}"))
    assert re.fullmatch(r"\d\d:\d\d bob: some more", plain)
    assert not re.fullmatch(rf"\d\d:\d\d bob: {re.escape(text)}", mention)


def is_bold(style: str) -> bool:
    """Whether the numbers of a CSI … m hold that for bold (ECMA-48)."""
    return style.split(";")[0] == "1"


@pytest.mark.parametrize("options", [[], ["--no-color"]], ids=["colours", "no-color"])
@pytest.mark.parametrize(
    ("frame", "shown", "bold"),
    slow_beyond(
        2,
        [
            ("MSG bob me psst", "» bob → me: psst", len("» bob → me: psst")),
            ("MSG bob BROADCAST hello me", "» bob: hello me", len("» bob: hello me")),
            ("MSG bob BROADCAST hello all", "bob: hello all", 0),
            ("ERROR ODD something", "! something", 1),
            ("INFO hello all", "[server] hello all", len("[server] hello all")),
            ("DANCE wildly", "* DANCE wildly", 0),
        ],
    ),
)
def test_what_is_for_one_stands_out_by_mark_and_weight(
    open_desk: OpenDesk, frame: str, shown: str, bold: int, options: list[str]
) -> None:
    desk = open_desk(*options)
    desk.connection.send(frame)
    desk.person.sees(shown)
    styles = desk.person.screen.styles_of(shown)
    assert [is_bold(style) for style in styles[:bold]] == [True] * bold
    assert not any(map(is_bold, styles[max(bold, 2) :]))


def test_ones_own_name_is_bold(desk: Desk) -> None:
    desk.person.type("/msg bob psst\rhello\r")
    desk.connection.expect("MSG bob psst", "MSG BROADCAST hello")
    for shown, name in (("me → bob: psst", "me → bob"), ("me: hello", "me")):
        desk.person.sees(shown)
        styles = desk.person.screen.styles_of(shown)
        assert [is_bold(style) for style in styles] == [
            place < len(name) for place in range(len(shown))
        ]


def test_somebody_may_be_called_you(room: Room) -> None:
    you = room.person("you")
    me = room.person("me")
    me.type("/msg you is that you?\r")
    me.sees("me → you: is that you?")
    you.sees("» me → you: is that you?")
    you.type("yes\r")
    me.sees("you: yes")


def test_the_direction_of_writing_cannot_be_turned(desk: Desk) -> None:
    desk.connection.send("MSG eve BROADCAST \u202e.yadnoM no tset \u2067oN\u2069")
    desk.person.sees("eve: ⇄.yadnoM no tset ⇄oN⇄")


def coloured(person: Person) -> list[bytes]:
    """Return the colours that the client asked the terminal for; weight is none."""
    return re.findall(rb"\x1b\[[0-9;]*[34]8;5;[0-9;]*m", person.written)


@pytest.mark.parametrize(
    ("options", "environment", "colours", "sequences"),
    slow_beyond(
        2,
        [
            ([], {}, True, True),
            ([], {"NO_COLOR": "1"}, False, True),
            ([], {"NO_COLOR": ""}, True, True),  # no-color.org: when present and not empty
            (["--no-color"], {}, False, True),
            ([], {"TERM": "dumb"}, False, False),
        ],
    ),
)
def test_colours_and_escape_codes_are_used_where_they_are_wanted(
    options: list[str], environment: dict[str, str], colours: bool, sequences: bool, room: Room
) -> None:
    bob = room.raw("bob")
    me = Person(room.port, "me", *options, environment=environment)
    with me:
        me.wait_for("* here (")
        bob.expect("JOINED me")
        bob.send("MSG me hi", "MSG BROADCAST hi me")
        me.sees("» bob → me: hi")
        me.type("hello\r")
        bob.expect("MSG me BROADCAST hello")
        me.sees("me: hello")
        me.type("\x04")
        assert me.wait_exit() == 0
        assert bool(coloured(me)) == colours
        assert (b"\x1b" in me.written) == sequences
        assert_given_back(me)
