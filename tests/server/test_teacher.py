"""What is typed at the teacher's desk, and what comes of it for those who are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from encrypted import TLSClient, trusting
from harness import Certificate, Client, frames, overfill, prepared_server, slow_beyond
from locked import Visitor, new_address
from terminal.pseudo import paste

from chat.server.teacher import USAGE, address_in, is_within
from chat_protocol import MAX_PAYLOAD_SIZE

from .at_desk import Desk
from .pressure import assert_served_promptly

CLOCK = r"\d\d:\d\d:\d\d "
REMOVED_SIZE = len("ERROR REMOVED ")


@pytest.fixture(scope="module")
def shared_desk() -> Iterator[Desk]:
    with Desk("--rate", "0", "--max-backlog", "100000") as desk:
        yield desk


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """The desk of a server without a speed limit, with nobody in it at first."""
    yield shared_desk
    shared_desk.send_home()


def with_much_unread(desk: Desk) -> tuple[Client, Client]:
    """Return somebody who does not read, for whom a lot waits, and who has said it."""
    anna = desk.connect("anna")
    lazy = Client((desk.host, desk.port), receive_buffer=4096).name("lazy")
    anna.expect("JOINED lazy")
    overfill(anna, "lazy", 100 * 1024)
    return lazy, anna


# ------------------------------------------------------------------------------------ said to all


def test_what_is_said_reaches_the_named_and_the_nameless(desk: Desk) -> None:
    anna, nobody = desk.connect("anna"), desk.connect()
    nobody.round_trip()  # hence it is in
    said = {"hello  there": "hello  there", "/SAY  a b": "a b", "//x y": "/x y", "/say /x": "/x"}
    said["    indented"] = "    indented"
    for typed, heard in said.items():
        desk.enter(typed)
        for client in (anna, nobody):
            client.expect(f"INFO {heard}")
        desk.wait_for_row(rf"{CLOCK}\[server\] {re.escape(heard)}")
    nobody.name("ben")
    anna.expect("JOINED ben")
    assert nobody.hears_nothing(), "who takes a name in between hears it once"


def test_an_unknown_command_or_nothing_to_see_is_said_to_nobody(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.answers("/kcik anna", "There is no command /kcik; is it /kick[?]")
    desk.answers("/who", "There is no command /who; is it /names[?]")
    desk.answers("/etc/passwd", r"There is no command /etc/passwd; try /help\.")
    for unseen in ("   ", "\u200b", "\u2800", "/say \u200b", "\u3164"):
        desk.enter(unseen)
    desk.answers("/names", "1 is here")
    assert anna.hears_nothing()


def test_several_pasted_lines_are_said_one_by_one_whatever_they_look_like(desk: Desk) -> None:
    anna = desk.connect("anna")
    desk.type(paste("one\n/kick anna\n \n//three\n\x1b\x07four\n"))
    desk.wait_for_row("4 lines pasted: Enter says them, Ctrl[+]C drops them[.]")
    assert anna.hears_nothing()
    desk.type("\r")
    anna.expect("INFO one", "INFO /kick anna", "INFO //three", "INFO four")
    desk.type(paste("/kick anna\nor not"))
    desk.type("\r")
    desk.wait_for_row("A command stands alone: take the lines behind it away[.]")
    assert anna.hears_nothing()
    desk.type("\x03")


@pytest.mark.parametrize("word", slow_beyond(1, ["größe", "a", "👩‍🚀", "一二三"]))
def test_a_long_text_is_split_between_words(desk: Desk, word: str) -> None:
    anna = desk.connect("anna")
    text = " ".join([word] * (25_000 // len(f"{word} ".encode())))
    desk.type(paste(text))
    desk.type("\r")
    parts: list[str] = []
    while len(" ".join(parts)) < len(text):
        payload = anna.receive()
        assert len(payload.encode()) <= MAX_PAYLOAD_SIZE
        parts.append(payload.removeprefix("INFO "))
    assert " ".join(parts) == text
    assert len(parts) == 3


@pytest.mark.slow
def test_a_line_of_a_million_characters() -> None:
    text = "".join(f"{number} " for number in range(150_000))
    with Desk("--max-backlog", "100000") as desk:
        anna, ben = desk.people("anna", "ben")
        desk.type(paste(text))
        desk.type("\r")
        ben.send("MSG anna here")
        heard = ""
        while len(heard) < len(text) - 1:
            payload = anna.receive()
            heard += f"{payload.removeprefix('INFO ')} " * payload.startswith("INFO ")
        assert heard.split() == text.split()
        ben.receive_until(payload)
        assert_served_promptly(ben)


def test_who_has_not_given_the_password_hears_nothing(password_file: str) -> None:
    with Desk("--password-file", password_file) as desk:
        outside, inside = (Visitor((desk.host, desk.port)) for _ in range(2))
        inside.enter()
        desk.enter("hello")
        inside.expect("INFO hello")
        outside.send("EXIT")
        assert outside.receive_all() == ["BYE"]
        inside.close()


def test_who_shakes_hands_hears_it_afterwards(certificate: Certificate) -> None:
    with Desk(*certificate.for_server) as desk:
        knocking = desk.connect()
        desk.wait_for_row(r".* connected \(1 of .*")
        desk.enter("hello")
        desk.wait_for_row(rf"{CLOCK}\[server\] hello")
        tls = trusting(certificate).wrap_socket(knocking.socket, server_hostname=desk.host)
        assert tls.recv(100) == frames("INFO hello")
        tls.close()


@pytest.mark.slow
def test_each_hears_it_in_its_place_among_the_messages(desk: Desk) -> None:
    anna, ben, carl = desk.people("anna", "ben", "carl")
    nobody = desk.connect()
    for number in range(40):
        ben.send(f"MSG BROADCAST {number}", f"MSG anna {number}")
        if number == 20:
            ben.round_trip()
            desk.enter("now")
            desk.wait_for_row(rf"{CLOCK}\[server\] now")
            desk.answers("/kick carl", "carl is out.")
    nobody.expect("INFO now")
    heard = [anna.receive() for _ in range(82)]
    place = heard.index("INFO now")
    assert heard[place - 1] == "MSG ben anna 20"
    assert heard[place + 1 : place + 3] == ["LEFT carl", "MSG ben BROADCAST 21"]
    removed = "ERROR REMOVED no reason was given"
    assert carl.receive_all()[-3:] == ["MSG ben BROADCAST 20", "INFO now", removed]


# ------------------------------------------------------------------------------------ who is here


def test_names_shows_who_is_here_and_how_they_are(desk: Desk) -> None:
    desk.answers("/names", "Nobody is here")
    address = new_address()
    desk.connect("Zoë")
    desk.connect("一二三", source=address)
    silent = [desk.connect(source=address) for _ in range(2)]
    for client in silent:
        client.round_trip()
    desk.answers("/mute ZOË", r"Zoë may not speak until /unmute Zoë\.")
    desk.answers("/names", "2 are here")
    space = " " * (len(address) - len("127.0.0.1"))
    desk.wait_for_row(rf"Zoë     127\.0\.0\.1{space}  \d s  muted")
    desk.wait_for_row(rf"一二三  {re.escape(address)}  \d s")
    desk.wait_for_row(rf"2 without a name: {re.escape(address)}")
    desk.answers("/lock", "Nobody new comes in until /unlock.*")
    desk.answers("/mute", "Nobody may speak until /unmute[.]")
    desk.answers("/names", "2 are here; nobody may speak; the door is locked")
    desk.answers("/unmute zoë", "Zoë may speak once everyone may[.]")


def test_names_shows_what_waits_unread(desk: Desk) -> None:
    lazy, anna = with_much_unread(desk)
    desk.answers("/names", r"lazy  127\.0\.0\.1  \d+ s  [1-9]\d* KiB unread")
    desk.answers("/kick lazy wake up", "lazy is out.")
    anna.expect("LEFT lazy")
    assert lazy.receive_all()[-1] == "ERROR REMOVED wake up"
    lazy.close()


def test_names_with_ipv6(ipv6: None) -> None:
    with Desk("--host", "::1") as desk:
        anna = desk.connect("anna")
        desk.answers("/names", r"anna  ::1  \d s")
        desk.answers("/kick [0:0::1]", "anna is out.")
        assert anna.receive_all() == ["ERROR REMOVED no reason was given"]
        ben = desk.connect("ben")
        port = ben.socket.getsockname()[1]
        desk.answers(f"/kick [::1]:{port} go", "ben is out.")
        assert ben.receive_all() == ["ERROR REMOVED go"]


@pytest.mark.slow
def test_names_of_a_thousand(desk: Desk) -> None:
    with ExitStack() as people:
        for number in range(900):
            client = Client((desk.host, desk.port))
            people.callback(client.close)
            client.send(f"NAME n{number:03}")
        client.receive_until("HELLO n899")
        desk.answers("/names", r"n899  127\.0\.0\.1  \d+ s")
        rows = re.findall(r"^n(\d{3})  127", desk.screen.text(), re.MULTILINE)
        assert rows == [f"{number:03}" for number in range(900)][-len(rows) :]
        desk.answers("/kick n500 enough", "n500 is out.")
        assert_served_promptly(desk.connect())


# -------------------------------------------------------------------------------- who has to go


def test_somebody_is_sent_away_by_any_name_and_may_come_again(desk: Desk) -> None:
    anna = desk.connect("anna")
    for typed in ("bob", "@bob", "bob,", "BOB:", "ｂｏｂ"):
        bob = desk.connect("bob")
        anna.expect("JOINED bob")
        desk.answers(f"/kick {typed} too  loud", "bob is out.")
        assert bob.receive_all() == ["ERROR REMOVED too  loud"]
        anna.expect("LEFT bob")
    desk.answers("/Kick bob", "Nobody here is bob[.]")
    desk.answers("/kick ann", "Nobody here is ann; is it anna[?]")


def test_somebody_is_sent_away_by_address(desk: Desk) -> None:
    here, there = desk.connect("here"), new_address()
    one, two = (desk.connect(name, source=there) for name in ("one", "two"))
    silent = desk.connect(source=there)
    silent.round_trip()
    port = silent.socket.getsockname()[1]
    desk.answers(f"/kick {there}:{port}", rf"{re.escape(there)}:{port} is out\.")
    assert silent.receive_all() == ["ERROR REMOVED no reason was given"]
    desk.answers(f"/kick {there}:{port}", r"Nobody here is .*")
    desk.answers(f"/kick {there}, all of you", "one and two are out.")
    for client in (one, two):
        assert client.receive_all()[-1] == "ERROR REMOVED all of you"
    assert here.ask("GET_NAMES") == "JOINED one"


@pytest.mark.parametrize("character", slow_beyond(1, ["👩🏽‍🚀", "x", "é", "e\u0301", "𝄞"]))
def test_a_reason_is_cut_to_its_frame_at_a_character(desk: Desk, character: str) -> None:
    bob = desk.connect("bob")
    desk.type(paste(f"/kick bob {character * 10_000}"))
    desk.type("\r")
    reason = bob.receive_all()[0].removeprefix("ERROR REMOVED ")
    assert reason == character * (len(reason) // len(character))
    assert 9900 - len(character.encode()) < len(reason.encode()) <= MAX_PAYLOAD_SIZE - REMOVED_SIZE


@pytest.mark.parametrize(
    ("typed", "origin", "counts"),
    [
        ("[2001:DB8:1:3::7]:8820", "2001:db8:1:3::/64", True),
        ("2001:db8:1:4::7", "2001:db8:1:3::/64", False),
        ("fe80::7%eth0,", "fe80::7%eth0", True),
        ("10.1.2.3:4711", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.33", False),
        ("bob", "10.1.2.3", False),
    ],
)
def test_an_address_is_found_however_it_is_typed(typed: str, origin: str, counts: bool) -> None:
    assert is_within(address_in(typed), origin) == counts


def test_a_reason_that_nobody_sees_is_none(desk: Desk) -> None:
    bob = desk.connect("bob")
    desk.answers("/kick\u3000bob \u200b", "bob is out.")
    assert bob.receive_all() == ["ERROR REMOVED no reason was given"]


def test_one_in_a_handshake_is_sent_away(certificate: Certificate) -> None:
    with Desk(*certificate.for_server) as desk:
        knocking = desk.connect()
        desk.wait_for_row(r".* connected \(1 of .*")
        desk.answers("/kick 127.0.0.1", ".* is out[.]")
        desk.answers("/kick 127.0.0.1", "Nobody here is .*")  # it is leaving already
        tls = trusting(certificate).wrap_socket(knocking.socket, server_hostname=desk.host)
        assert tls.recv(100) == frames("ERROR REMOVED no reason was given")
        tls.close()
        TLSClient((desk.host, desk.port), trusting(certificate)).name("bob").close()


def test_what_was_asked_before_is_done_and_what_comes_after_is_not(desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    bob.send("MSG anna last words")
    anna.expect("MSG bob anna last words")
    desk.answers("/kick bob", "bob is out.")
    bob.send("MSG anna not heard", "NAME carl")
    anna.expect("LEFT bob")
    assert bob.receive_all() == ["ERROR REMOVED no reason was given"]
    assert anna.hears_nothing()


# ---------------------------------------------------------------------------------- the commands


@pytest.mark.parametrize(
    ("line", "usage"),
    slow_beyond(
        3,
        [
            ("/mute bob now", "/mute WHOM, or /mute alone for everyone"),
            ("/KICK", "/kick WHOM, or /kick WHOM reason"),
            ("/names all", "/names"),
            ("/ban  ", "/ban WHOM, or /ban WHOM reason"),
            ("/unban", "/unban WHOM"),
            ("/unban a b", "/unban WHOM"),
            ("/unmute a b", "/unmute WHOM, or /unmute alone for everyone"),
            ("/lock it", "/lock"),
            ("/unlock it", "/unlock"),
            ("/bans x", "/bans"),
            ("/say", "/say text"),
            ("/quit now", "/quit"),
            ("/help me", "/help"),
        ],
    ),
)
def test_a_wrong_use_shows_the_usage(desk: Desk, line: str, usage: str) -> None:
    anna = desk.connect("anna")
    desk.answers(line, f"Usage: {usage}")
    assert anna.hears_nothing()


def test_tab_completes_commands_and_names(desk: Desk) -> None:
    desk.people("anna", "Änne")
    away = new_address()
    desk.connect("gone", source=away)
    desk.connect("quiet", source=away)
    desk.answers("/mute quiet", "quiet may not .*")
    desk.answers("/kick quiet", "quiet is out.")
    desk.answers("/ban gone", ".* stays out until /unban gone[.]")
    completed = {
        "/KI": "/kick ",
        "/kick a": "/kick anna ",
        "/kick @Än": "/kick @Änne ",
        "ann": "anna: ",
        "/unban ": "/unban gone ",
        "/unmute q": "/unmute quiet ",
        "/say ": "/say  ",
        "/names a": "/names anna ",
    }
    for typed, line in completed.items():
        desk.type(f"{typed}\t")
        desk.shows_line(line)
        desk.type("\x03")
        desk.shows_line("")
    desk.answers("/unban gone", ".* may come in again[.]")
    desk.answers("/unmute quiet", "quiet may speak[.]")


def test_help_lists_every_command(desk: Desk) -> None:
    desk.answers("/help", r"Tab completes names and commands\.")
    text = desk.screen.text()
    assert {*re.findall(r"(?m)(?:^|, )(/[a-z]+)", text)} == {*USAGE} - {"/help"}
    assert max(map(len, text.splitlines())) <= 40


# ------------------------------------------------------------------------------- beside all that


@pytest.mark.slow
def test_everything_works_while_a_class_talks_and_one_floods() -> None:
    with Desk("--verbose", "--wire") as desk:
        names = [f"n{number:02}" for number in range(25)]
        crowd = {name: desk.connect(name) for name in names}
        flood = desk.connect("flood")
        flood.send_meanwhile(b"0009GET_NAMES" * 200_000)
        for name, client in crowd.items():
            client.send_meanwhile(f"00{len(name) + 14}MSG BROADCAST {name}".encode() * 1000)
        desk.answers("/names", "26 are here")
        desk.answers("/say hello all", rf"{CLOCK}\[server\] hello all")
        desk.answers("/mute n01", "n01 may not speak until /unmute n01.")
        desk.answers("/kick n02 enough", "n02 is out.")
        desk.answers("/lock", "Nobody new comes in .*")
        for client in crowd.values():
            if client is not crowd["n02"]:
                client.receive_until("INFO hello all")
        desk.answers("/unmute n01", "n01 may speak.")
        desk.answers("/ban flood stop it", "flood is out.")
        assert "ERROR REMOVED enough" in crowd["n02"].receive_all()
        desk.answers("/unban flood", ".* may come in again.")


def test_the_log_and_the_wire_view_tell_of_it() -> None:
    with Desk("--wire", columns=160) as desk:
        desk.people("anna", "bob")
        desk.enter("hello")
        desk.wait_for_row(rf"{CLOCK}→ anna, bob 0010│INFO hello")
        desk.enter("/kick bob enough")
        desk.wait_for_row(rf"{CLOCK}→ bob 0020│ERROR REMOVED enough")
        desk.wait_for_row(rf"{CLOCK}bob gone: sent away")
        desk.wait_for_row(rf"{CLOCK}→ anna 0008│LEFT bob")


@pytest.mark.slow
def test_when_the_chat_is_being_ended_nothing_follows_the_goodbye() -> None:
    program = prepared_server("import chat.server.farewell as it; it.CLOSE_SECONDS = 1000")
    with Desk("--max-backlog", "100000", "--rate", "0", program=program) as desk:
        lazy, anna = with_much_unread(desk)
        desk.answers("/quit", "Ctrl[+]C again ends the chat for 2 people[.]")
        desk.enter("/quit")
        assert anna.receive_until("BYE")
        desk.answers("hello?", "The chat is being ended: .*")
        desk.answers("/kick lazy", "The chat is being ended: .*")
        assert lazy.receive_all()[-1] == "BYE"
        lazy.close()
        anna.close()
        assert desk.wait_exit() == 0
