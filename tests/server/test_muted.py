"""The muted: what they may still do, how seldom they rename, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from harness import (
    Client,
    prepared_server,
    quiet_for,
    slow_beyond,
)
from locked import new_address

from .at_desk import Desk

MUTED = "ERROR MUTED You are muted for now: nobody reads this."
MUTE_ALL = ("/mute", r"Nobody may speak until /unmute\.")
# Where a test does not want to wait, or wants to be sure that nobody waits long enough.
REST_SECONDS = 1.0
BRIEF = prepared_server(f"import chat.server.muted as it; it.NAME_SECONDS = {REST_SECONDS}")
LONG = prepared_server("import chat.server.muted as it; it.NAME_SECONDS = 1000")


@pytest.fixture(scope="module")
def shared_desk() -> Iterator[Desk]:
    with Desk("--rate", "0", program=LONG) as desk:
        yield desk


@pytest.fixture
def desk(shared_desk: Desk) -> Iterator[Desk]:
    """A desk whose muted people never may rename a second time, with nobody there at first."""
    yield shared_desk
    shared_desk.send_home()


@pytest.fixture(scope="module")
def shared_brief_desk() -> Iterator[Desk]:
    with Desk("--rate", "0", program=BRIEF) as desk:
        yield desk


@pytest.fixture
def brief_desk(shared_brief_desk: Desk) -> Iterator[Desk]:
    """A desk whose muted people may rename again soon."""
    yield shared_brief_desk
    shared_brief_desk.send_home()


def mute(desk: Desk, name: str) -> None:
    desk.answers(f"/mute {name}", f"{name} may not speak until /unmute {name}[.]")


def unmute(desk: Desk, name: str) -> None:
    desk.answers(f"/unmute {name}", f"{name} may speak[.]")


def may_speak(client: Client, name: str) -> bool:
    return client.ask(f"MSG {name} hi") == f"MSG {name} {name} hi"


# --------------------------------------------------------------------------- what they may not do


def test_nothing_that_the_muted_say_reaches_anybody(desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    mute(desk, "bob")
    for request in ("MSG anna hi", "MSG bob hi", "MSG BROADCAST hi", "MSG nobody hi"):
        assert bob.ask(request) == MUTED
    assert bob.ask(f"MSG BROADCAST {'x' * 9985}") == MUTED
    assert bob.ask("MSG anna").startswith("ERROR BAD_ARGUMENTS")
    assert bob.ask("MSG anna \u200b").startswith("ERROR BAD_ARGUMENTS")
    assert bob.ask("BLOCK anna") == "BLOCKED anna"
    assert bob.ask("UNBLOCK anna") == "UNBLOCKED anna"
    assert bob.ask("GET_NAMES") == "NAMES 2 anna bob"
    assert bob.ask("NAME Robert") == "HELLO Robert"
    assert bob.ask("MSG anna hi") == MUTED
    anna.expect("RENAMED bob Robert")
    unmute(desk, "Robert")
    bob.send("MSG anna hi")
    anna.expect("MSG Robert anna hi")


def test_everyone_is_muted_and_those_by_name_stay_so(desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    nobody = desk.connect()
    mute(desk, "bob")
    desk.answers(*MUTE_ALL)
    assert anna.ask("MSG bob hi") == MUTED
    assert nobody.ask("MSG bob hi").startswith("ERROR NAME_REQUIRED")
    desk.answers("/unmute anna", r"Not muted by name: anna\.")
    desk.answers("/unmute", r"Everyone may speak, save bob\.")
    assert bob.ask("MSG anna hi") == MUTED
    assert may_speak(anna, "anna")
    desk.answers(*MUTE_ALL)
    desk.answers("/unmute BOB", r"bob may speak once everyone may\.")
    desk.answers("/unmute", r"Everyone may speak\.")
    assert may_speak(bob, "bob")
    desk.answers("/unmute bob", r"Not muted by name: bob\.")
    desk.answers("/unmute carl", r"Nobody here is carl\.")
    desk.answers("/mute @carl", r"Nobody here is carl\.")


# ------------------------------------------------------------------------------------ their names


@pytest.mark.slow
def test_a_muted_person_renames_seldom_and_what_follows_waits(brief_desk: Desk) -> None:
    anna, bob = brief_desk.people("anna", "bob")
    mute(brief_desk, "bob")
    assert bob.ask("NAME bob1") == "HELLO bob1"
    bob.send("NAME bob2", "MSG anna hi", "GET_NAMES", "NAME bob3", "EXIT")
    anna.expect("RENAMED bob bob1")
    assert quiet_for(0.1, anna, bob)
    names = ["NAMES 2 anna bob2"]
    assert bob.receive_all() == ["HELLO bob2", MUTED, *names, "HELLO bob3", "BYE"]
    anna.expect("RENAMED bob1 bob2", "RENAMED bob2 bob3", "LEFT bob3")
    brief_desk.answers("/unmute bob3", r"bob3 may speak\.")


def test_a_name_that_nobody_read_costs_no_time(desk: Desk) -> None:
    anna, bob = desk.people("anna", "bob")
    mute(desk, "bob")
    for request in ("NAME anna", "NAME a b", "NAME bob"):
        answer = bob.ask(request)
        assert answer == "HELLO bob" or answer.startswith("ERROR ")
    assert bob.ask("NAME Bob") == "HELLO Bob"
    anna.expect("RENAMED bob Bob")
    bob.send("NAME bob")
    assert quiet_for(0.05, anna, bob)
    unmute(desk, "Bob")
    bob.expect("HELLO bob")


def kick(desk: Desk, bob: Client) -> None:
    desk.answers("/kick bob1 out", r"bob1 is out\.")
    assert bob.receive_all() == ["ERROR REMOVED out"]
    desk.answers("/unmute bob1", r"bob1 may speak\.")


def lift(desk: Desk, bob: Client) -> None:
    unmute(desk, "bob1")
    bob.expect("HELLO bob2", "MSG bob2 bob2 hi")


def lift_all(desk: Desk, bob: Client) -> None:
    desk.answers(*MUTE_ALL)
    desk.answers("/unmute bob1", ".*may speak once everyone may.")
    desk.answers("/unmute", "Everyone may speak.")
    bob.expect("HELLO bob2", "MSG bob2 bob2 hi")


def cut(desk: Desk, bob: Client) -> None:
    bob.reset()
    unmute(desk, "bob1")


@pytest.mark.parametrize("meanwhile", [kick, lift, lift_all, cut])
def test_what_ends_the_waiting(desk: Desk, meanwhile: Callable[[Desk, Client], None]) -> None:
    anna, bob = desk.people("anna", "bob")
    mute(desk, "bob")
    assert bob.ask("NAME bob1") == "HELLO bob1"
    bob.send("NAME bob2", "MSG bob2 hi")
    anna.expect("RENAMED bob bob1")
    desk.answers("/names", "2 are here")
    meanwhile(desk, bob)
    if meanwhile is kick:
        anna.expect("LEFT bob1")
    else:
        anna.expect("RENAMED bob1 bob2")
    if meanwhile is cut:
        anna.expect("LEFT bob2")
    assert anna.hears_nothing()


def test_the_end_of_the_chat_waits_for_no_muted_one() -> None:
    with Desk(program=LONG) as desk:
        bob = desk.connect("bob")
        mute(desk, "bob")
        assert bob.ask("NAME bob1") == "HELLO bob1"
        bob.send("NAME bob2")
        desk.type("\x03\x03")
        assert bob.receive_all()[-1] == "BYE"
        bob.close()
        assert desk.wait_exit() == 0


# ---------------------------------------------------------------------------- gone and come again


def leave(client: Client) -> None:
    assert client.ask("EXIT") == "BYE"


@pytest.mark.parametrize("go", slow_beyond(1, [Client.reset, leave, Client.close]))
def test_a_mute_is_kept_under_address_and_last_name(
    desk: Desk, go: Callable[[Client], None]
) -> None:
    anna, there = desk.connect("anna"), new_address()
    bob = desk.connect("bob", source=there)
    mute(desk, "bob")
    go(bob)
    anna.expect("JOINED bob", "LEFT bob")
    assert may_speak(desk.connect("bob"), "bob"), "of another address"
    passing = desk.connect(source=there)
    passing.round_trip()
    passing.close()  # who chooses no name takes nothing on
    anna.expect("JOINED bob")
    back = desk.connect("carl", source=there)
    assert back.ask("MSG anna hi") == MUTED
    anna.expect("JOINED carl")
    go(back)
    anna.expect("LEFT carl")
    desk.answers("/unmute bob", r"Not muted by name: bob\.")
    desk.answers("/unmute @carl", r"carl may speak\.")  # who is away
    assert may_speak(desk.connect("Carl", source=there), "Carl")


def test_of_two_mutes_left_at_an_address_each_finds_its_name(desk: Desk) -> None:
    there = new_address()
    for name in ("bob", "eve"):
        desk.connect(name, source=there)
    for name in ("bob", "eve"):
        mute(desk, name)
        desk.answers(f"/kick {name}", f"{name} is out[.]")
    eve = desk.connect("EVE", source=there)
    assert eve.ask("MSG EVE hi") == MUTED
    next_one = desk.connect("carl", source=there)
    assert next_one.ask("MSG EVE hi") == MUTED
    assert may_speak(desk.connect("dora", source=there), "dora")
    unmute(desk, "EVE")
    unmute(desk, "carl")
    eve.expect("JOINED carl", "JOINED dora")
    assert may_speak(eve, "EVE")


def test_a_mute_is_lifted_wherever_it_is(desk: Desk) -> None:
    """Of somebody who is here, and of one who left under that name elsewhere."""
    there = new_address()
    desk.connect("bob", source=there)
    mute(desk, "bob")
    desk.answers("/kick bob", "bob is out.")
    desk.connect("bob")
    mute(desk, "bob")
    unmute(desk, "bob")
    desk.answers("/kick bob", "bob is out.")
    assert may_speak(desk.connect("bob", source=there), "bob")


@pytest.mark.parametrize("by_name", [True, False])
def test_leaving_and_coming_back_buys_nothing(desk: Desk, by_name: bool) -> None:
    anna, there = desk.connect("anna"), new_address()
    bob = desk.connect("bob", source=there)
    anna.expect("JOINED bob")
    if by_name:
        mute(desk, "bob")
    else:
        desk.answers(*MUTE_ALL)
    assert bob.ask("NAME bob1") == "HELLO bob1"
    bob.reset()
    anna.expect("RENAMED bob bob1", "LEFT bob1")
    back = desk.connect(source=there)
    back.send("NAME listen_to_me", "MSG BROADCAST hi")
    other = desk.connect("other", source=new_address())  # they are not in anybody's way
    anna.expect("JOINED other")
    assert quiet_for(0.05, anna, back)
    if by_name:
        unmute(desk, "bob1")
    else:
        desk.answers("/unmute", r"Everyone may speak\.")
    back.expect("HELLO listen_to_me")
    anna.expect("JOINED listen_to_me", "MSG listen_to_me BROADCAST hi")
    assert other.receive_until("JOINED listen_to_me") == []


@pytest.mark.slow
def test_who_waits_for_a_name_is_let_in_when_it_is_time(brief_desk: Desk) -> None:
    anna, there = brief_desk.connect("anna"), new_address()
    brief_desk.answers(*MUTE_ALL)
    bob = brief_desk.connect("bob", source=there)
    bob.reset()
    anna.expect("JOINED bob", "LEFT bob")
    back = [brief_desk.connect(source=there) for _ in range(3)]
    for number, client in enumerate(back):
        client.send(f"NAME bob{number}")
    assert quiet_for(0.1, *back)
    for number, client in enumerate(back):
        client.receive_until(f"HELLO bob{number}")
    brief_desk.answers("/lock", ".*")
    back[0].reset()
    late = brief_desk.connect(source=there)
    late.send("NAME bob0")
    late.expect("HELLO bob0")


def test_of_the_mutes_left_behind_the_oldest_is_forgotten_first() -> None:
    few = prepared_server("import chat.server.door as it; it.MAX_LEFT_MUTES = 2")
    with Desk(program=few) as desk:
        addresses = [new_address() for _ in range(3)]
        for number, address in enumerate(addresses):
            desk.connect(f"n{number}", source=address)
            mute(desk, f"n{number}")
            desk.answers(f"/kick n{number}", f"n{number} is out[.]")
        back = [desk.connect(f"b{number}", source=there) for number, there in enumerate(addresses)]
        back[0].expect("JOINED b1", "JOINED b2")
        back[1].expect("JOINED b2")
        assert may_speak(back[0], "b0")
        for client in back[1:]:
            assert client.ask("MSG b0 hi") == MUTED


@pytest.mark.slow
def test_the_names_of_those_who_have_gone_again_are_not_read_all_at_once(brief_desk: Desk) -> None:
    anna, there = brief_desk.connect("anna"), new_address()
    brief_desk.answers(*MUTE_ALL)
    bob = brief_desk.connect("bob", source=there)
    bob.reset()
    anna.expect("JOINED bob", "LEFT bob")
    for number in range(10):
        caller = brief_desk.connect(source=there)
        caller.send(f"NAME rude{number}")
        caller.reset()
    anna.expect("JOINED rude0", "LEFT rude0")
    assert quiet_for(REST_SECONDS / 2, anna)
    brief_desk.answers("/unmute", "Everyone may speak[.]")
    anna.expect("JOINED rude1")
