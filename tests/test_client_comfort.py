"""What makes the terminal client one that people like to use, on wide windows and narrow ones."""

from __future__ import annotations

import re
import select
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from conftest import StartServer
from harness import Client, ServerProcess, wait_until
from terminal import (
    Desk,
    Person,
    PlayedConnection,
    PlayedServer,
    Screen,
    prepared_client,
    shown_times,
)

import chat_protocol as protocol

LEFT, UP, HOME, END = "\x1b[D", "\x1b[A", "\x1b[H", "\x1b[F"
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
CLEAR_LINE = "\x05\x15"
SIZES = [(80, 24), (20, 10)]
FAMILY = "👩\u200d👩\u200d👧\u200d👦"
FLAG = "🇮🇱"

OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """A function that starts a client, here as `me`, with the test as its server."""
    desks: list[Desk] = []

    def start(*options: str, others: tuple[str, ...] = ("bob",), **settings: object) -> Desk:
        desks.append(Desk(*options, others=others, **settings))
        return desks[-1]

    yield start
    for desk in desks:
        desk.close()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """A wide window, then a narrow one."""
    columns, rows = request.param
    return columns, rows


@pytest.fixture
def new_desk(size: tuple[int, int], open_desk: OpenDesk) -> Desk:
    """A client that nobody has used."""
    return open_desk(columns=size[0], rows=size[1])


@pytest.fixture(scope="module")
def desks() -> Iterator[dict[tuple[int, int], Desk]]:
    desks: dict[tuple[int, int], Desk] = {}
    yield desks
    for desk in desks.values():
        desk.close()


@pytest.fixture
def desk(size: tuple[int, int], desks: dict[tuple[int, int], Desk]) -> Desk:
    """A client that many tests use one after the other; a new one if it was spoiled."""
    if size in desks and not desks[size].is_clean():
        desks.pop(size).close()
    if size not in desks:
        desks[size] = Desk(columns=size[0], rows=size[1])
    return desks[size]


def text_of(screen: Screen) -> str:
    """Return all that was shown, with the line ends of narrow windows as spaces."""
    return " ".join(screen.text().split())


# ------------------------------------------------------------------------------------- completion


@pytest.mark.parametrize("command", ["/msg", "/block", "/unblock", "MSG", "BLOCK", "UNBLOCK"])
def test_tab_completes_a_name_after_a_command(desk: Desk, command: str) -> None:
    desk.person.type(f"{command} b\t")
    desk.person.shows_line(f"{command} bob ")


def test_tab_makes_a_message_of_a_name_at_the_start(desk: Desk) -> None:
    desk.person.type("bo\thi\r")
    desk.connection.expect("MSG bob hi")


@pytest.mark.parametrize(
    ("start", "choices"),
    [
        ("/unb", ["/unblock "]),
        ("/na", ["/name ", "/names "]),
        ("GET", ["GET_NAMES"]),  # a space behind it would make it wrong
        ("EX", ["EXIT"]),
        ("/he", ["/help "]),
        ("/q", ["/quit "]),
    ],
)
def test_tab_completes_commands(open_desk: OpenDesk, start: str, choices: list[str]) -> None:
    person = open_desk().person
    person.type(start)
    for choice in choices:
        person.type("\t")
        person.shows_line(choice)


def test_tab_cycles_through_the_choices_and_begins_again(open_desk: OpenDesk) -> None:
    person = open_desk(others=("dan", "dana", "Debora", "zoe")).person
    person.type("/msg d")
    for name in ("dan", "dana", "Debora", "dan"):
        person.type("\t")
        person.shows_line(f"/msg {name} ")
    person.type("hello")
    person.shows_line("/msg dan hello")


def test_the_last_speakers_come_first(open_desk: OpenDesk) -> None:
    desk = open_desk(others=("ada", "adam", "adi"))
    for name in ("adam", "adi"):
        desk.connection.send(f"MSG {name} BROADCAST hi")
    desk.wait_until_shown()
    desk.person.type("/msg a")
    for name in ("adi", "adam", "ada"):
        desk.person.type("\t")
        desk.person.shows_line(f"/msg {name} ")


def test_the_choices_follow_who_comes_and_goes(open_desk: OpenDesk) -> None:
    desk = open_desk(others=("bob", "bert"))
    desk.connection.send("JOINED barbara", "LEFT bert", "RENAMED bob bobby")
    desk.wait_until_shown()
    desk.person.type("/msg b")
    for name in ("barbara", "bobby", "barbara"):
        desk.person.type("\t")
        desk.person.shows_line(f"/msg {name} ")


@pytest.mark.parametrize(
    ("start", "name"),
    [("ד", "דנה"), ("ПЁ", "пётр"), ("strass", "Straße"), ("BO", "bob"), ("ｂｏ", "bob")],
)
def test_names_complete_in_any_script_and_capitals(
    open_desk: OpenDesk, start: str, name: str
) -> None:
    desk = open_desk(others=("bob", "דנה", "пётр", "Straße", "漢字"))
    desk.person.type(f"/msg {start}\t")
    desk.person.shows_line(f"/msg {name} ")
    desk.person.type("hi\r")
    desk.connection.expect(f"MSG {name} hi")


def test_oneself_is_no_choice(open_desk: OpenDesk) -> None:
    desk = open_desk(others=("meg",))
    desk.person.type("/msg m")
    for _ in range(2):
        desk.person.type("\t")
        desk.person.shows_line("/msg meg ")


def test_tab_leaves_what_stands_right_of_the_cursor(desk: Desk) -> None:
    desk.person.type("/msg bhi" + LEFT * 2 + "\t")
    desk.person.shows_line("/msg bob ", "hi")


# ----------------------------------------------------------------------- answers, words to oneself


def test_r_answers_whoever_wrote_privately_last(new_desk: Desk) -> None:
    new_desk.connection.send("MSG alice me psst", "MSG bob BROADCAST to all")
    new_desk.wait_until_shown()
    new_desk.person.type("/r yes?\r")
    new_desk.connection.expect("MSG alice yes?")
    new_desk.connection.send("MSG bob me and me", "RENAMED bob robert")
    new_desk.wait_until_shown()
    new_desk.person.type("/r you too\r")
    new_desk.connection.expect("MSG robert you too")


def test_r_without_anybody_to_answer_says_so(new_desk: Desk) -> None:
    before = new_desk.person.screen.text().count("! ")
    new_desk.person.type("/r hello\r")
    new_desk.person.wait_for(lambda screen: screen.text().count("! ") > before)
    new_desk.person.type("/who\r")
    new_desk.connection.expect("GET_NAMES")


def test_the_block_list_is_shown(new_desk: Desk) -> None:
    new_desk.connection.send("BLOCKED bob", "BLOCKED zoe", "BLOCKED eve", "UNBLOCKED eve")
    new_desk.connection.send("RENAMED bob robert")
    new_desk.wait_until_shown()
    new_desk.person.type("/blocked\r")
    new_desk.person.wait_for(lambda screen: re.search("robert, zoe", text_of(screen)))
    new_desk.person.type("/who\r")
    new_desk.connection.expect("GET_NAMES")


@pytest.mark.parametrize("text", ["hey me!", "ME, come here", "me"])
def test_a_message_that_holds_ones_name_stands_out(open_desk: OpenDesk, text: str) -> None:
    desk = open_desk("--no-color")  # so that it is seen without any colour
    desk.connection.send(f"MSG bob BROADCAST {text}", "MSG bob BROADCAST some more")
    desk.wait_until_shown()
    lines = desk.person.screen.text().splitlines()
    plain = next(line for line in lines if "some more" in line)
    mention = next(line for line in lines if line.endswith(f"bob: {text}"))
    assert re.fullmatch(r"\d\d:\d\d bob: some more", plain)
    assert not re.fullmatch(rf"\d\d:\d\d bob: {re.escape(text)}", mention)


# ------------------------------------------------------------------------------------------ paste


def paste(text: str) -> str:
    """Return what a terminal sends for a paste: the line ends come as the Enter key's."""
    return PASTE_START + text.replace("\n", "\r") + PASTE_END


def test_pasting_is_told_apart_from_typing_while_it_runs(new_desk: Desk) -> None:
    assert new_desk.person.screen.modes["2004"]
    new_desk.person.type("/quit\r")
    new_desk.connection.expect("EXIT")
    new_desk.connection.send("BYE")
    assert new_desk.person.wait_exit() == 0
    assert not new_desk.person.screen.modes["2004"]


def test_a_pasted_line_is_typed_text(desk: Desk) -> None:
    desk.person.type("a, c" + LEFT * 3 + paste("b"))
    desk.person.shows_line("ab", ", c")


def test_pasted_lines_say_how_many_they_are_and_wait_for_enter(desk: Desk) -> None:
    desk.person.type(paste("one\ntwo\n\nthree\n"))
    desk.person.wait_for(lambda screen: re.search(r"\b[34] lines", text_of(screen)))
    desk.connection.send("MSG bob BROADCAST wait")
    desk.wait_until_shown()
    desk.person.type("\r")
    desk.connection.expect(*(f"MSG BROADCAST {word}" for word in ("one", "two", "three")))
    desk.person.shows_line("")


def test_no_pasted_line_is_lost(desk: Desk) -> None:
    lines = [f"{number}: שלום, wörld 😀" for number in range(300)]
    desk.person.type("first: " + paste("\n".join(lines)))
    desk.person.wait_for(lambda screen: "300 lines" in text_of(screen))
    paste_and_send(desk.person, paste(" and last"))
    lines[0], lines[-1] = "first: " + lines[0], lines[-1] + " and last"
    desk.connection.expect(*(f"MSG BROADCAST {line}" for line in lines))


def test_a_paste_may_come_in_pieces(desk: Desk) -> None:
    for byte in paste("é\nש").encode():
        desk.person.type(bytes([byte]))
        desk.connection.send("JOINED somebody")
    desk.person.wait_for(lambda screen: "2 lines" in text_of(screen))
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST é", "MSG BROADCAST ש")


def test_a_paste_that_never_ends_does_not_lock_the_keyboard(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.person.type(PASTE_START + "half a paste")
    desk.person.shows_line("half a paste")  # after a moment in which its end did not come
    desk.person.type("!")
    desk.person.shows_line("half a paste!")


def test_nothing_in_a_paste_is_a_key(desk: Desk) -> None:
    desk.person.type("x" + paste(f"b\tb{UP}{LEFT}\x03\x15c"))
    desk.person.wait_for(lambda screen: screen.before_cursor().endswith("c"))
    desk.person.type("\r")
    sent = desk.connection.receive()
    assert sent.startswith("MSG BROADCAST xb b")
    assert sent.endswith("c")
    assert protocol.decode(sent.encode()) == sent  # no control character goes out


@pytest.mark.parametrize("head", ["/msg bob ", "/send bob ", "MSG bob ", "/r "])
def test_a_private_paste_stays_private(open_desk: OpenDesk, head: str) -> None:
    desk = open_desk()
    desk.connection.send("MSG bob me psst")
    desk.wait_until_shown()
    desk.person.type(head + paste("one\n  /two\n\nEXIT") + "\r")
    desk.connection.expect("MSG bob one", "MSG bob   /two", "MSG bob EXIT")


@pytest.mark.parametrize("head", ["/mgs bob ", "/r ", "/msg "])
def test_a_private_paste_to_nobody_is_not_read_by_everyone(open_desk: OpenDesk, head: str) -> None:
    desk = open_desk()
    desk.person.type(head + paste("\none\ntwo") + "\r")
    desk.person.wait_for("! The lines behind it were not sent.")
    desk.person.type("hello\r")
    while (payload := desk.connection.receive()) != "MSG BROADCAST hello":
        assert payload == "MSG"


def test_pasted_lines_that_look_like_commands_are_said(new_desk: Desk) -> None:
    new_desk.person.type(paste("#!/bin/sh\n/usr/bin/env python\n/names") + "\r")
    new_desk.connection.expect(
        "MSG BROADCAST #!/bin/sh", "MSG BROADCAST /usr/bin/env python", "GET_NAMES"
    )


def test_blank_lines_are_not_counted(new_desk: Desk) -> None:
    new_desk.person.type(paste("one\r\n\r\ntwo\r\n"))
    new_desk.person.sees("* 2 lines pasted: Enter sends them, Ctrl+C drops them")


def test_a_paste_can_be_dropped(desk: Desk) -> None:
    desk.person.type(paste("one\ntwo"))
    desk.person.wait_for(lambda screen: "2 lines" in text_of(screen))
    desk.person.type("\x03")
    desk.person.shows_line("")
    desk.person.type("three\r")
    desk.connection.expect("MSG BROADCAST three")


# ---------------------------------------------------------------------------------- long messages


def paste_and_send(person: Person, pasted: str, command: str = "") -> None:
    """Paste behind a command, press Enter, and read the screen until all of it was shown.

    A terminal that nobody reads holds the client up, like Ctrl+S.
    """
    person.type(command + pasted)
    last = pasted.removesuffix(PASTE_END)[-1]
    person.wait_for(lambda screen: screen.before_cursor().endswith(last))
    person.type("\r")
    person.shows_line("")


def receive_parts(connection: Client, head: str, last: str) -> list[str]:
    """Receive the parts of one message, up to the one that ends in `last`."""
    parts: list[str] = []
    while not parts or not parts[-1].endswith(last):
        payload = connection.receive()
        assert payload.startswith(head), payload[:60]
        parts.append(payload.removeprefix(head))
    return parts


@pytest.mark.parametrize("command", ["", "/msg bob "])
def test_a_long_message_is_split_between_words(open_desk: OpenDesk, command: str) -> None:
    desk = open_desk()
    text = " ".join(f"wörd{number}" for number in range(3000)) + " end"
    paste_and_send(desk.person, paste(text), command)
    addressee = "bob" if command else "BROADCAST"
    parts = receive_parts(desk.connection, f"MSG {addressee} ", "end")
    assert len(parts) > 1
    assert " ".join(parts) == text
    for part in parts:
        # The server puts the sender in front of it, and it must still fit.
        assert len(f"MSG me {addressee} {part}".encode()) <= protocol.MAX_PAYLOAD_SIZE


@pytest.mark.parametrize("character", ["漢", "e\u0301", FAMILY, FLAG, "👍🏽", "שָׁ", "각"])
def test_a_long_word_is_split_between_characters(open_desk: OpenDesk, character: str) -> None:
    desk = open_desk()
    text = character * (12000 // len(character.encode()))
    paste_and_send(desk.person, paste("a" + text + "."))
    parts = receive_parts(desk.connection, "MSG BROADCAST ", ".")
    assert len(parts) > 1
    assert "".join(parts) == f"a{text}."
    for part in parts:
        assert part.strip("a.").replace(character, "") == ""
        assert len(f"MSG me BROADCAST {part}".encode()) <= protocol.MAX_PAYLOAD_SIZE


def test_the_real_server_takes_every_part(server: ServerProcess) -> None:
    name = "י" * protocol.MAX_NAME_LENGTH
    text = " ".join(["word"] * 5000)
    with Person(server.port, name) as me:
        me.wait_for("* here (")
        listener = server.connect("bob")
        paste_and_send(me.get_ready(), paste(text + " end"))
        parts = receive_parts(listener, f"MSG {name} BROADCAST ", "end")
        assert " ".join(parts) == text + " end"
        assert "! " not in me.screen.text()


# -------------------------------------------------------------------------------------- reconnect

IMPATIENT = prepared_client(
    "import chat_client\n"
    "chat_client.LONGEST_RETRY_SECONDS = chat_client.NAME_RETRY_SECONDS = 0.05\n"
    "chat_client.NAME_HELD_SECONDS = 120.0"
)


@pytest.fixture
def impatient(size: tuple[int, int], open_desk: OpenDesk) -> Desk:
    """A client that does not wait as long as others before it tries again."""
    return open_desk(program=IMPATIENT, columns=size[0], rows=size[1])


@contextmanager
def while_the_server_is_away(desk: Desk) -> Iterator[None]:
    """Close the server; afterwards there is one on the same port again."""
    desk.server.close()
    desk.person.wait_for("! The connection is gone")
    yield
    desk.server = PlayedServer(port=desk.server.port)


def come_back(desk: Desk, *others: str) -> PlayedConnection:
    """Let the client connect again under its name, and answer its look around."""
    desk.connection = desk.server.accept()
    desk.connection.welcome("me", *others)
    return desk.connection


def test_a_broken_connection_is_said_and_made_again(impatient: Desk) -> None:
    person = impatient.person
    person.type("half a thought" + LEFT * 2)
    person.shows_line("half a thoug", "ht")
    impatient.connection.send_bytes(b"0099MSG alice")  # cut off in the middle of a frame
    impatient.connection.close()
    person.wait_for(lambda screen: re.search(r"! .*connection", text_of(screen)))
    come_back(impatient, "bob")
    person.wait_for(lambda screen: "back" in text_of(screen))
    person.shows_line("half a thoug", "ht")
    person.type("\r")
    impatient.connection.expect("MSG BROADCAST half a thought")


@pytest.mark.slow
def test_it_waits_longer_from_try_to_try(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.server.close()
    times = []
    for tries in range(1, 5):
        desk.person.wait_for(shown_times("again", tries))
        times.append(time.monotonic())
    waits = [later - earlier for earlier, later in pairwise(times)]
    for wait, seconds in zip(waits, (1, 2, 4), strict=True):
        assert 0.5 * seconds < wait < 1.5 * seconds + 1


def test_a_server_that_was_started_again_is_found_again(start_server: StartServer) -> None:
    server = start_server()
    with (
        Person(server.port, "ada", program=IMPATIENT) as ada,
        Person(server.port, "בוב", program=IMPATIENT) as bob,
    ):
        ada.wait_for("* here (")
        bob.wait_for("* here (")
        ada.wait_for("בוב")
        server.interrupt(signal.SIGKILL)
        server.process.wait()
        ada.wait_for(shown_times("again", 2))
        start_server("--port", str(server.port))
        ada.wait_for("back")
        bob.wait_for("back")
        ada.get_ready()
        ada.type("/msg בוב still here?\r")
        bob.sees("ada → you: still here?")


def test_what_is_said_meanwhile_waits_and_goes_out_in_order(impatient: Desk) -> None:
    person = impatient.person
    impatient.connection.close()
    person.wait_for(lambda screen: "again" in text_of(screen))
    connection = impatient.server.accept()
    connection.expect("NAME me")  # there is no answer yet
    person.type("one\r/msg bob two\rthree\r")
    person.wait_for(lambda screen: text_of(screen).count("waiting") >= 3)
    connection.send("HELLO me")
    connection.expect("GET_NAMES")
    connection.send("NAMES 2 bob me")
    connection.expect("MSG BROADCAST one", "MSG bob two", "MSG BROADCAST three")


def test_a_name_that_is_still_held_is_asked_for_again(impatient: Desk) -> None:
    impatient.connection.close()
    connection = impatient.server.accept()
    for _ in range(3):
        connection.expect("NAME me")
        connection.send("ERROR NAME_TAKEN me is taken; choose another name.")
    impatient.person.wait_for(lambda screen: "still held" in text_of(screen))
    connection.welcome("me", "bob")
    impatient.person.wait_for(lambda screen: "back" in text_of(screen))
    assert text_of(impatient.person.screen).count("still held") == 1, "once is enough"


def test_a_name_that_stays_taken_is_given_up(open_desk: OpenDesk) -> None:
    hasty = prepared_client(
        "import chat_client\n"
        "chat_client.LONGEST_RETRY_SECONDS = chat_client.NAME_RETRY_SECONDS = 0.05\n"
        "chat_client.NAME_HELD_SECONDS = 0.2"
    )
    desk = open_desk(program=hasty)
    desk.connection.close()
    connection = desk.server.accept()
    gave_up = re.compile(r"^\d\d:\d\d ! .*me is taken", re.MULTILINE)
    while not gave_up.search(desk.person.screen.text()):
        if select.select([connection.socket], [], [], 0.02)[0]:
            connection.expect("NAME me")
            connection.send("ERROR NAME_TAKEN me is taken; choose another name.")
        desk.person.wait_for(lambda screen: True)
    desk.person.type("/name me2\r")
    connection.welcome("me2", "bob")
    desk.person.type(CLEAR_LINE + "hello\r")
    connection.expect("MSG BROADCAST hello")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("NAME_TAKEN carol is taken; choose another name.", "! carol is taken"),
        ("BAD_NAME not that one", "! not that one"),
    ],
)
def test_a_name_chosen_meanwhile_that_is_refused_gives_the_old_one_back(
    open_desk: OpenDesk, error: str, shown: str
) -> None:
    desk = open_desk(program=IMPATIENT)
    with while_the_server_is_away(desk):
        desk.person.type("/name carol\r")
        desk.person.wait_for("* you will be carol when the server is back")
    connection = desk.server.accept()
    connection.expect("NAME carol")
    connection.send(f"ERROR {error}")
    connection.welcome("me", "bob")
    desk.person.wait_for(shown)
    desk.person.wait_for("* you are back as me")
    assert "still held" not in desk.person.screen.text()


def test_what_is_being_typed_is_no_password(new_desk: Desk) -> None:
    """A server that wants one all of a sudden gets that, and the line is there again afterwards."""
    person, connection = new_desk.person, new_desk.connection
    person.type("half a line" + LEFT)
    person.shows_line("half a lin", "e")
    connection.send("ERROR PASSWORD_REQUIRED a password first")
    person.wait_for(lambda screen: screen.before_cursor() == "Password: ")
    person.type("sesame\r")
    connection.expect("PASS sesame")
    connection.send("ACCEPTED")
    person.shows_line("half a lin", "e")


def test_a_name_chosen_meanwhile_is_asked_for_once(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    with while_the_server_is_away(desk):
        desk.person.type("/name a!b\r/name zoe\r/names\r")
        desk.person.wait_for("! A name has")
        desk.person.wait_for("* GET_NAMES (waiting)")
    connection = desk.server.accept()
    connection.welcome("zoe", "bob")
    desk.person.wait_for("* you are back as zoe")
    connection.expect("GET_NAMES")
    desk.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


def test_whom_one_blocks_is_blocked_again_when_they_are_here(impatient: Desk) -> None:
    impatient.connection.send("BLOCKED bob", "BLOCKED Eve", "BLOCKED zoe", "UNBLOCKED zoe")
    impatient.wait_until_shown()
    impatient.connection.close()
    connection = come_back(impatient, "bob", "zoe")
    connection.expect("BLOCK bob")
    connection.send("BLOCKED bob", "JOINED alice", "JOINED eve")
    connection.expect("BLOCK eve")
    connection.send("BLOCKED eve")
    impatient.wait_until_shown()
    impatient.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


def test_whom_one_blocks_is_blocked_again_when_they_take_their_name(impatient: Desk) -> None:
    impatient.connection.send("BLOCKED eve")
    impatient.wait_until_shown()
    impatient.connection.close()
    connection = come_back(impatient, "bob")
    connection.send("RENAMED bob Eve")
    connection.expect("BLOCK Eve")


def test_a_name_that_was_refused_is_not_asked_for_later(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.person.type("/name bob\r")
    desk.connection.expect("NAME bob")
    desk.connection.send("ERROR NAME_TAKEN bob is taken; choose another name.")
    desk.wait_until_shown()
    desk.connection.close()
    come_back(desk, "bob")  # as `me`
    desk.person.wait_for("back")


def test_a_new_name_is_the_one_to_come_back_under(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.person.type("/name me2\r")
    desk.connection.expect("NAME me2")
    desk.connection.send("HELLO me2")
    desk.wait_until_shown()
    desk.connection.close()
    desk.server.accept().welcome("me2", "bob")
    desk.person.wait_for("back")


def test_who_is_no_longer_blocked_is_not_blocked_when_they_come(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.connection.send("BLOCKED eve")
    desk.wait_until_shown()
    desk.connection.close()
    connection = come_back(desk, "bob")
    desk.person.wait_for("back")
    desk.person.type("/unblock eve\r")
    if select.select([connection.socket], [], [], 0.2)[
        0
    ]:  # the client may know better, and not ask
        connection.expect("UNBLOCK eve")
        connection.send("ERROR NOT_BLOCKED You do not block anybody of that name.")
    connection.send("JOINED eve")
    desk.wait_until_shown()
    desk.person.type("hello\r")
    connection.expect("MSG BROADCAST hello")


def test_one_can_leave_although_the_server_takes_nothing(open_desk: OpenDesk) -> None:
    held_up = prepared_client(
        "import chat_client\n"
        "send = chat_client.Session._send\n"
        "chat_client.Session._send = lambda self: b'stuck' in self._outbox or send(self)\n"
        "chat_client.OUTBOX_ENOUGH, chat_client.FAREWELL_SECONDS = 10, 0.1"
    )
    desk = open_desk(program=held_up)
    desk.person.type("stuck in the outbox\r")
    desk.person.sees("you: stuck in the outbox")
    desk.person.type("\x03")
    desk.person.wait_exit()
    assert desk.person.terminal_settings() == desk.person.settings


def test_it_tries_until_the_server_is_there_again(open_desk: OpenDesk) -> None:
    desk = open_desk(program=IMPATIENT)
    port = desk.server.port
    desk.server.close()
    desk.person.wait_for(shown_times("again", 3))
    desk.server = PlayedServer(port=port)
    come_back(desk)
    desk.person.wait_for("back")


@pytest.mark.parametrize("keys", ["/quit\r", "\x03", "\x04"])
def test_one_can_leave_while_it_is_trying(open_desk: OpenDesk, keys: str) -> None:
    desk = open_desk()
    desk.server.close()
    desk.person.wait_for("again")
    desk.person.type(keys)
    desk.person.wait_exit()
    assert desk.person.terminal_settings() == desk.person.settings


@pytest.mark.parametrize(
    ("farewell", "exit_code"),
    [
        ("BYE", 0),
        ("ERROR SERVER_FULL Every place here is taken; try again later.", 1),
        ("ERROR TIMEOUT You chose no name in time.", 1),
        ("ERROR BAD_FRAME A frame starts with 4 digits.", 1),
    ],
)
def test_a_server_that_says_why_it_closes_is_not_called_again(
    open_desk: OpenDesk, farewell: str, exit_code: int
) -> None:
    desk = open_desk(program=IMPATIENT)
    desk.connection.send("INFO It is late.", farewell)
    desk.connection.close()
    assert desk.person.wait_exit() == exit_code
    desk.person.sees("* It is late.")
    if exit_code:
        desk.person.sees("! " + farewell.split(" ", 2)[2])


# --------------------------------------------------------------- first contact, colours, narrowness


def test_the_first_lines_tell_all_that_one_needs(
    open_desk: OpenDesk, size: tuple[int, int]
) -> None:
    desk = open_desk(columns=size[0], rows=size[1], others=("ada", "bob"))
    before_prompt = desk.person.screen.text().splitlines()[:-1]
    shown = text_of(desk.person.screen)
    for needed in ("me", "ada, bob", "/msg", "/help", "/quit"):
        assert needed in shown
    assert "all" in shown or "everyone" in shown
    assert len([line for line in before_prompt if line]) <= 4


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


NAMES = [f"person{number}" for number in range(30)]


def colours_of_names(desk: Desk) -> dict[str, str]:
    """Let everyone speak, and return the style of each name."""
    desk.connection.send(*(f"MSG {name} BROADCAST hi" for name in NAMES))
    desk.wait_until_shown()
    return {name: desk.person.screen.styles_of(f"{name}: hi")[0] for name in NAMES}


def test_colours_are_one_per_person_and_the_same_everywhere(open_desk: OpenDesk) -> None:
    first = colours_of_names(open_desk(environment={"PYTHONHASHSEED": "1"}))
    second = colours_of_names(open_desk(environment={"PYTHONHASHSEED": "2"}))
    assert first == second
    assert len(set(first.values())) >= 5


def test_colours_can_be_read_on_black_and_on_white(open_desk: OpenDesk) -> None:
    for style in colours_of_names(open_desk()).values():
        found = re.search(r"38;5;(\d+)", style)
        assert found, f"a colour of unknown brightness: {style}"
        number = int(found[1])
        assert 16 <= number <= 255  # the first sixteen look different on every terminal
        assert min(contrasts(number)) >= 3


def test_capitals_do_not_change_a_colour(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.connection.send("MSG zoe BROADCAST hi", "MSG ZOE BROADCAST hi")
    desk.wait_until_shown()
    styles = desk.person.screen.styles_of
    assert styles("zoe: hi")[:3] == styles("ZOE: hi")[:3]


CONVERSATION = (
    "MSG bob BROADCAST good morning",
    "MSG bob BROADCAST hello me",
    "MSG bob me psst",
    "JOINED zoe",
    "RENAMED zoe zelda",
    "LEFT zelda",
    "ERROR NO_SUCH_NAME Nobody here has that name.",
    "BLOCKED bob",
    "DANCE",
)


def test_colour_alone_means_nothing(open_desk: OpenDesk) -> None:
    shown = []
    for option in ([], ["--no-color"]):
        desk = open_desk(*option)
        desk.connection.send(*CONVERSATION)
        desk.person.type("/msg bob hi\r")
        desk.connection.receive()
        desk.person.sees("you → bob: hi")
        desk.wait_until_shown()
        shown.append(sorted(line[5:] for line in desk.person.screen.text().splitlines()))
    assert shown[0] == shown[1]


def test_nothing_is_drawn_beyond_a_narrow_window(open_desk: OpenDesk) -> None:
    desk = open_desk(columns=20, rows=10)
    person, screen = desk.person, desk.person.screen
    person.type("this line is longer than the window")
    person.wait_for(lambda screen: screen.before_cursor().endswith("window"))
    desk.connection.send(*CONVERSATION)
    desk.wait_until_shown()
    assert screen.before_cursor().startswith(person.prompt)
    assert screen.before_cursor().endswith("window")
    assert screen.row == 9
    assert not screen.rows[-1].wrapped
    assert screen.unknown == []
    assert not re.search("[\u2500-\u257f]", person.written.decode())  # box art
    assert "bob → you: psst" in text_of(screen)
    person.type(HOME)
    person.wait_for(lambda screen: screen.after_cursor().startswith("this line is"))


def test_a_name_can_be_chosen_in_a_narrow_window() -> None:
    login = {"LOGNAME": "wilhelmina_theodora"}
    with (
        PlayedServer() as server,
        Person(server.port, columns=20, rows=10, environment=login) as person,
    ):
        connection = server.accept()
        wait_until(person.reads_single_keys, "the client reads single keys")
        person.wait_for(lambda screen: screen.before_cursor() == "Your name: ")
        person.type("maximiliane_josepha")
        person.wait_for(lambda screen: screen.before_cursor().endswith("josepha"))
        assert not any(row.wrapped for row in person.screen.rows[-1:])
        person.type("\r")
        connection.expect("GET_NAMES")  # whether a password is wanted first
        connection.send("NAMES 0")
        connection.welcome("maximiliane_josepha")
        person.wait_for("here (")


@pytest.mark.parametrize("odd_size", [(5, 2), (2, 1), (1, 1), (300, 100)])
def test_windows_of_any_size_are_lived_with(open_desk: OpenDesk, odd_size: tuple[int, int]) -> None:
    desk = open_desk()
    desk.person.type("hello 漢字")
    desk.person.resize(*odd_size)
    desk.connection.send("MSG bob BROADCAST hi")
    desk.person.type(LEFT + "!")
    desk.person.resize(80, 24)
    desk.wait_until_shown()
    desk.person.type(END)
    desk.person.shows_line("hello 漢!字")
    desk.person.type("\r")
    desk.connection.expect("MSG BROADCAST hello 漢!字")


# ------------------------------------------------------------------ all of it while others talk


class Chatter:
    """A hundred messages a second, from several people."""

    def __init__(self, connection: PlayedConnection) -> None:
        self.sent = 0
        self._connection = connection
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> Chatter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _talk(self) -> None:
        while not self._enough.wait(0.01):
            speaker = ("bob", "דנה", "zoe")[self.sent % 3]
            self._connection.send(f"MSG {speaker} BROADCAST message {self.sent}, שלום 😀")
            self.sent += 1


class Typist:
    """Types key by key, and measures how long each takes until it is seen."""

    def __init__(self, person: Person, chatter: Chatter) -> None:
        self.person = person
        self.chatter = chatter
        self.seconds: list[float] = []

    def press(self, key: str, before: str, after: str = "") -> None:
        """Press a key; then this is left and right of the cursor, as far as the window shows it."""

        def is_echoed(screen: Screen) -> bool:
            shown = screen.before_cursor().removeprefix(self.person.prompt)
            right = screen.after_cursor()
            whole = screen.before_cursor() != shown and before.endswith(shown)
            return whole and bool(shown or not before) and after.startswith(right)

        heard = self.chatter.sent
        wait_until(lambda: self.chatter.sent > heard, "somebody speaks between two keys")
        start = time.monotonic()
        self.person.type(key)
        self.person.wait_for(is_echoed)
        self.seconds.append(time.monotonic() - start)

    def type(self, text: str, before: str = "", after: str = "") -> str:
        """Type a text between what is there already; return what is left of the cursor now."""
        for character in text:
            before += character
            self.press(character, before, after)
        return before


@pytest.mark.parametrize("reflows", [False, True], ids=["cuts", "reflows"])
def test_typing_goes_on_while_a_hundred_messages_a_second_arrive(
    open_desk: OpenDesk, size: tuple[int, int], reflows: bool
) -> None:
    columns, rows = size
    others = ("bob", "דנה", "zoe")
    desk = open_desk(others=others, columns=columns, rows=rows, reflows=reflows)
    with Chatter(desk.connection) as chatter:
        typist = Typist(desk.person, chatter)
        before = typist.type("/msg ד")
        typist.press("\t", before := "/msg דנה ")
        before = typist.type("shalom, wie geht's?", before)
        after = ""
        for _ in range(12):
            after, before = before[-1] + after, before[:-1]
            typist.press(LEFT, before, after)
        for new_size in ((33, 12), (20, 10), (100, 30), size):
            desk.person.resize(*new_size)
            before = typist.type("é漢", before, after)
        typist.press("\x7f", before := before[:-1], after)
    desk.wait_until_shown()
    desk.person.type("\r")
    desk.connection.expect("MSG דנה " + (before + after).removeprefix("/msg דנה "))
    desk.person.shows_line("")
    told = re.findall(r"message (\d+), שלום 😀", desk.person.written.decode())
    assert told == [str(number) for number in range(chatter.sent)]
    # The slowest tenth is left out: a busy machine may stop anything for a moment.
    median, slow = (statistics.quantiles(typist.seconds, n=10)[rank] * 1000 for rank in (4, 8))
    print(f"{len(typist.seconds)} keys: half of them in {median:.1f} ms, most in {slow:.1f} ms")
    assert median < 50
    assert slow < 500


@pytest.mark.parametrize("reflows", [False, True], ids=["cuts", "reflows"])
def test_a_window_made_narrower_keeps_every_message_and_no_piece_of_the_line(
    open_desk: OpenDesk, reflows: bool
) -> None:
    desk = open_desk(reflows=reflows)
    person = desk.person
    text = "the line being typed is longer than the window is wide afterwards"
    person.type(text)
    person.shows_line(text)
    person.resize(30, 24)
    person.wait_for(lambda screen: screen.before_cursor().endswith("afterwards"))
    person.wait_for(lambda screen: person.prompt in screen.before_cursor())
    desk.connection.send("MSG bob BROADCAST and now?")
    person.sees("bob: and now?")
    shown = person.screen.text()
    assert "here (2): bob, me" in shown
    assert "is longer than" not in shown, "a piece of the line stayed behind"


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
            person.type("o")

    key = threading.Thread(target=hold_key_down)
    key.start()
    try:
        person.wait_for(lambda screen: screen.before_cursor().endswith("ooo"))
    finally:
        enough.set()
        key.join()
