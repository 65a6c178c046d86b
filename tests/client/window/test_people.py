"""The people: the list and its menu."""

from __future__ import annotations

import pytest
from harness import ServerProcess

from .opened import Opened


@pytest.mark.slow
def test_people_are_listed_with_what_can_be_done(alice: Opened, server: ServerProcess) -> None:
    bob, eve = server.people("bob", "Eve")
    alice.wait_for_people("alice (you)", "bob", "Eve")
    assert alice("window.people.count['text']") == "3 here"

    def menu(row: int) -> list[str]:
        """Return which commands the menu of a person offers."""
        alice.click(row, button=3)
        alice.wait_for_menu()
        commands = ("Message", "Block", "Unblock")
        return [c for c in commands if alice(f"str(menu.entrycget({c!r}, 'state'))") == "normal"]

    assert menu(0) == ["Message"]
    assert menu(2) == ["Message", "Block"]
    alice("menu.invoke('Block')")
    alice.wait_for_people("alice (you)", "bob", "Eve (blocked)")
    assert menu(2) == ["Message", "Unblock"]
    alice("menu.invoke('Unblock')")
    alice.wait_for_people("alice (you)", "bob", "Eve")
    alice.type("hi")
    alice.click(1, button=1, times=2)
    alice.wait_for_typed("/msg bob hi")
    alice.wait("focus() == 'entry'")
    alice.focus("people")
    alice.press("Down", "Return")
    alice.wait_for_typed("/msg Eve ")
    alice.say("psst")
    alice.wait_for("alice → Eve: psst")
    bob.send("NAME robert")
    alice.wait_for_people("alice (you)", "Eve", "robert")
    eve.send("EXIT")
    alice.wait_for_people("alice (you)", "robert")
    assert alice("window.people.count['text']") == "2 here"
