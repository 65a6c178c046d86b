"""The door: bans, and the lock, as those who stand before it meet them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from client.person import Person
from client.played import PlayedServer
from encrypted import TLSClient, trusting
from harness import (
    Certificate,
    Client,
    descriptors,
    needs_proc,
    prepared_server,
    resident_bytes,
    slow_beyond,
    wait_until,
)
from locked import PASSWORD, Visitor, new_address
from terminal.pseudo import paste

from chat_protocol import MAX_PAYLOAD_SIZE

from .at_desk import Desk

BANNED = "ERROR REMOVED this address is banned here"
LOCKED = "ERROR LOCKED The door is locked: nobody new is let in for now."
LOCK = ("/lock", "Nobody new comes in until /unlock.*")


@pytest.fixture(scope="module")
def shared_desk() -> Iterator[Desk]:
    with Desk("--rate", "0", "--max-backlog", "64") as desk:
        yield desk


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """The desk of a server without a speed limit, with nobody in it at first."""
    yield shared_desk
    shared_desk.send_home()


def ban(desk: Desk, whom: str, reason: str = "") -> None:
    desk.answers(f"/ban {whom} {reason}", ".* stays out until /unban .*")


# ------------------------------------------------------------------------------------------ bans


def test_a_ban_sends_one_away_and_keeps_their_address_out(desk: Desk) -> None:
    anna, there = desk.connect("anna"), new_address()
    bob = desk.connect("bob", source=there)
    anna.expect("JOINED bob")
    desk.answers("/ban @Bob, too  loud", rf"{re.escape(there)} stays out until /unban bob\.")
    desk.wait_for_row("bob is out[.]")
    assert bob.receive_all() == ["ERROR REMOVED too  loud"]
    anna.expect("LEFT bob")
    for words in ([], ["NAME bob"], ["NAME bob", "MSG anna hi"] * 50):
        newcomer = desk.connect(source=there)
        newcomer.send(*words)
        assert newcomer.receive_all() == [f"{BANNED}: too  loud"]
        assert not newcomer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    desk.answers("/bans", rf"{re.escape(there)}  bob  too  loud")
    desk.connect("second", source=new_address())  # another address of the same machine
    desk.answers("/unban BOB", rf"{re.escape(there)} may come in again\.")
    desk.answers("/bans", r"Nobody is kept out\.")
    desk.answers("/unban bob", r"No ban is for bob\.")
    desk.connect("bob", source=there)


def test_who_knocks_on_and_on_is_told_of_once(desk: Desk) -> None:
    """Else nothing but that is to be read at the desk."""
    there = new_address()
    ban(desk, there)
    for _ in range(20):
        assert desk.connect(source=there).receive_all() == [f"{BANNED}."]
    desk.answers(*LOCK)
    elsewhere = new_address()
    for _ in range(20):
        assert desk.connect(source=elsewhere).receive_all() == [LOCKED]
    desk.answers("/unlock", "Everyone may come in[.]")
    desk.connect("bob", source=new_address())
    desk.wait_for_row(".* is now called bob")
    shown = desk.written.decode()
    for address in (there, elsewhere):
        assert len(re.findall(rf"{re.escape(address)}:\d+ gone: kept out", shown)) == 1
        assert f"{address}:" not in re.sub(r"\S+ gone: kept out", "", shown)


def test_others_with_that_address_stay_and_are_named(desk: Desk) -> None:
    there = new_address()
    bob, eve, nobody = (desk.connect(name, source=there) for name in ("bob", "eve", ""))
    nobody.round_trip()
    desk.answers("/ban bob", r"With that address, and still here: eve\.")
    eve.expect("LEFT bob")
    assert eve.ask("MSG eve hi") == "MSG eve eve hi"
    nobody.send("NAME bobby")  # who chose no name until now is new
    assert nobody.receive_all() == [f"{BANNED}."]
    assert bob.receive_all()[-1] == "ERROR REMOVED no reason was given"
    desk.answers(f"/ban {there} all", "eve is out[.]")
    assert eve.receive_all()[-1] == "ERROR REMOVED all"
    desk.answers(f"/unban {there}:4711", r".* may come in again\.")
    desk.connect("bob", source=there)


def test_an_address_that_nobody_has_may_be_banned(desk: Desk) -> None:
    for typed in ("{}", "{},", "{}:4711"):
        there = new_address()
        desk.answers(
            f"/ban {typed.format(there)} no robots",
            rf"{re.escape(there)} stays out until /unban {re.escape(there)}\.",
        )
        assert desk.connect(source=there).receive_all() == [f"{BANNED}: no robots"]
        desk.answers(f"/unban {typed.format(there)}", r".* may come in again\.")
    desk.answers("/ban 2001:DB8:0:0::7", "2001:db8::7 stays out until /unban 2001:db8::7[.]")
    desk.answers("/unban [2001:db8::7]", "2001:db8::7 may come in again[.]")
    desk.answers("/ban 300.1.2.3", r"Nobody here is 300\.1\.2\.3\.")


def test_a_reason_of_any_length_fits_every_frame(desk: Desk) -> None:
    there = new_address()
    bob = desk.connect("bob", source=there)
    desk.type(paste(f"/ban bob {'ä' * 12_000}"))
    desk.type("\r")
    assert bob.receive_all()[0].startswith("ERROR REMOVED äää")
    [reason] = desk.connect(source=there).receive_all()
    assert re.fullmatch(rf"{BANNED}: ä+", reason)
    assert MAX_PAYLOAD_SIZE - 1 <= len(reason.encode()) <= MAX_PAYLOAD_SIZE
    desk.answers("/unban bob", ".* may come in again[.]")


def test_bans_on_ipv6(ipv6: None) -> None:
    with Desk("--host", "::1") as desk:
        for typed in ("bob", "::1", "[::1]", "0:0:0:0:0:0:0:1"):
            bob = desk.connect("bob")
            ban(desk, typed)
            assert bob.receive_all() == ["ERROR REMOVED no reason was given"]
            assert desk.connect().receive_all() == [f"{BANNED}."]
            desk.answers("/unban [::1]", "::1 may come in again[.]")


def test_behind_tls_people_are_told_after_the_handshake(certificate: Certificate) -> None:
    with Desk(*certificate.for_server) as desk:
        context = trusting(certificate)
        ban(desk, "127.0.0.1", "enough")
        for words in ([], ["NAME bob", "MSG BROADCAST hi"]):
            bob = TLSClient((desk.host, desk.port), context)
            bob.send(*words)
            assert bob.receive_all() == [f"{BANNED}: enough"]
            bob.close()
        silent = desk.connect()
        silent.end_input()  # whoever says nothing at all is gone at once
        desk.answers("/unban 127.0.0.1", ".* may come in again[.]")
        desk.answers(*LOCK)
        bob = TLSClient((desk.host, desk.port), context)
        assert bob.receive_all() == [LOCKED]
        bob.close()


@needs_proc
@pytest.mark.slow
def test_one_banned_who_shakes_no_hands_and_goes_leaves_nothing(certificate: Certificate) -> None:
    program = prepared_server("import chat.server.farewell as it; it.LAST_WORDS_SECONDS = 1000")
    with Desk(*certificate.for_server, program=program) as desk:
        before = descriptors(desk.process.pid)
        ban(desk, "127.0.0.1")
        for _ in range(20):
            desk.connect().close()
        last = desk.connect()
        last.end_input()
        last.receive_all()
        last.close()
        wait_until(lambda: descriptors(desk.process.pid) == before, "all descriptors are back")


def test_the_order_is_ban_lock_full() -> None:
    with Desk("--max-clients", "3", "--max-per-address", "2") as desk:
        banned, crowded = new_address(), new_address()
        people = [desk.connect(f"n{number}", source=crowded) for number in range(2)]
        full = desk.connect(source=crowded)
        assert full.receive_all()[0].startswith("ERROR SERVER_FULL Your machine has")
        ban(desk, "n0")
        assert people[0].receive_all()
        people[0].close()
        other = desk.connect("other", source=new_address())
        for _ in range(2):
            assert desk.connect(source=crowded).receive_all() == [f"{BANNED}."]
        desk.connect("third", source=new_address())
        other.expect("JOINED third")
        ban(desk, banned)
        desk.answers("/names", "3 are here")
        [error] = desk.connect(source=new_address()).receive_all()
        assert error.startswith("ERROR SERVER_FULL Every place")
        for source in (banned, crowded):
            assert desk.connect(source=source).receive_all() == [f"{BANNED}."]
        desk.answers(*LOCK)
        assert desk.connect(source=banned).receive_all() == [f"{BANNED}."]
        assert desk.connect(source=new_address()).receive_all() == [LOCKED]
        desk.answers("/unban n0", ".* may come in again[.]")
        assert desk.connect(source=crowded).receive_all() == [LOCKED]
        assert other.hears_nothing()


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.slow
def test_a_banned_crowd_takes_nobodys_place(encrypted: bool, certificate: Certificate) -> None:
    """Not even while it says nothing, and does not close."""
    tls = certificate.for_server if encrypted else ()
    with Desk("--max-clients", "12", *tls) as desk:
        there = new_address()
        ban(desk, there)
        for _ in range(30):
            desk.connect(source=there)
        where = (desk.host, desk.port)
        honest: list[Client] = []
        for number in range(12):
            client = TLSClient(where, trusting(certificate)) if encrypted else Client(where)
            honest.append(client.name(f"n{number}"))
            desk.connect(source=there)
        desk.answers("/names", "12 are here")
        for client in honest:
            client.close()


# ---------------------------------------------------------------------------------------- the lock


def test_nobody_new_comes_in_while_it_is_locked(desk: Desk) -> None:
    anna, early = desk.connect("anna"), desk.connect()
    early.round_trip()
    desk.answers(*LOCK)
    for words in ([], ["NAME bob", "MSG anna hi"] * 50):
        newcomer = desk.connect()
        newcomer.send(*words)
        assert newcomer.receive_all() == [LOCKED]
    early.send("GET_NAMES", "NAME early", "MSG anna hi")  # connected, but still nobody
    assert early.receive_all() == ["NAMES 1 anna", LOCKED]
    assert anna.ask("NAME Anne") == "HELLO Anne"
    assert anna.hears_nothing()
    desk.answers("/unlock", r"Everyone may come in\.")
    desk.connect("bob")


def stop_reading(bob: Client) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        while True:
            bob.send(f"MSG bob {'x' * 9800}")


@pytest.mark.parametrize("lose", slow_beyond(1, [Client.reset, Client.close, stop_reading]))
def test_who_lost_the_connection_comes_back_once(
    desk: Desk, lose: Callable[[Client], None]
) -> None:
    there = new_address()
    anna, bob = desk.connect("anna"), desk.connect("Bob", source=there)
    anna.expect("JOINED Bob")
    desk.answers(*LOCK)
    lose(bob)
    anna.expect("LEFT Bob")
    desk.answers(*LOCK)  # once more changes nothing
    assert desk.connect(source=new_address()).receive_all() == [LOCKED]
    wrong = desk.connect(source=there)
    assert wrong.ask("GET_NAMES") == "NAMES 1 anna"
    assert wrong.ask("NAME bobby") == LOCKED
    back = desk.connect(source=there)
    assert back.ask("NAME bob") == "HELLO bob"
    anna.expect("JOINED bob")
    assert desk.connect(source=there).receive_all() == [LOCKED]
    assert back.ask("NAME Robert") == "HELLO Robert"
    back.reset()  # and then it is Robert who was lost
    anna.expect("RENAMED bob Robert", "LEFT Robert")
    assert desk.connect(source=there).ask("NAME bob") == LOCKED
    desk.connect("Robert", source=there)


def test_who_left_or_was_sent_away_stays_out(desk: Desk) -> None:
    there = new_address()
    bob = desk.connect("bob", source=there)
    desk.connect("eve", source=there)
    desk.answers(*LOCK)
    assert bob.ask("EXIT") == "JOINED eve"
    assert bob.receive_all() == ["BYE"]
    desk.answers("/kick eve", "eve is out[.]")
    assert desk.connect(source=there).receive_all() == [LOCKED]


def test_what_was_lost_is_forgotten_with_the_lock(desk: Desk) -> None:
    there = new_address()
    anna, bob = desk.connect("anna"), desk.connect("bob", source=there)
    desk.answers(*LOCK)
    bob.reset()
    anna.expect("JOINED bob", "LEFT bob")
    desk.answers("/unlock", r"Everyone may come in\.")
    desk.answers(*LOCK)
    assert desk.connect(source=there).receive_all() == [LOCKED]


def test_the_lock_with_a_password(password_file: str) -> None:
    with Desk("--password-file", password_file) as desk:
        bob = Visitor((desk.host, desk.port)).enter("bob")
        desk.answers(*LOCK)
        bob.reset()
        desk.wait_for_row(".*bob gone: .*")
        back = Visitor((desk.host, desk.port)).enter("bob")
        again = Visitor((desk.host, desk.port))
        again.send(f"PASS {PASSWORD}")
        assert again.receive_all() == [LOCKED]
        for client in (back, again):
            client.close()


@pytest.mark.slow
def test_a_client_comes_back_through_the_lock(desk: Desk) -> None:
    """While its old connection still stands, it is told LOCKED, and calls again."""
    anna, standing = desk.people("anna", "bob")
    with PlayedServer() as relay, Person(relay.port, "bob") as bob:
        before = relay.accept()
        before.welcome("bob", "anna")
        desk.answers(*LOCK)
        before.close()  # of which the server has not heard
        too_soon = relay.accept()
        too_soon.send(*desk.connect().receive_all())
        too_soon.close()
        bob.wait_for("The door is locked")
        standing.reset()
        anna.expect("LEFT bob")
        back, again = desk.connect(), relay.accept()
        back.send(again.receive())
        again.send(back.receive())
        again.expect("GET_NAMES")
        anna.expect("JOINED bob")


@needs_proc
@pytest.mark.slow
def test_coming_and_going_through_a_lock_leaves_nothing_behind(desk: Desk) -> None:
    anna, there = desk.connect("anna"), new_address()
    bob = desk.connect("bob", source=there)
    desk.answers(*LOCK)
    memory = 0
    for number in range(4000):
        bob.reset()
        anna.receive_until("LEFT bob")  # until then the door is locked for him
        bob = Client((desk.host, desk.port), source=there)
        bob.send("NAME bob", f"NAME b{number}", "NAME bob")
        bob.receive_until("HELLO bob")
        bob.expect(f"HELLO b{number}", "HELLO bob")
        if number == 1000:
            memory = resident_bytes(desk.process.pid)
    assert resident_bytes(desk.process.pid) - memory < 1024 * 1024
    bob.close()
