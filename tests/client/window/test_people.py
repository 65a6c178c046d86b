"""The people: the list and its menu."""

from __future__ import annotations

import pytest
from harness import ServerProcess

from chat.client.lines import colour_number
from client.played import PlayedServer, names_frame

from .opened import Opened, OpenWindow


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
    alice.wait("window.prompt['text'] == 'alice → bob> '")
    alice.wait("focus() == 'entry'")
    alice.wait_for_typed("hi")
    alice.focus("people")
    alice.press("Down", "Return")
    alice.wait("window.prompt['text'] == 'alice → Eve> '")
    alice("entry.delete('1.0', 'end')")
    alice.say("psst")
    alice.wait_for("alice → Eve: psst")
    bob.send("NAME robert")
    alice.wait_for_people("alice (you)", "Eve", "robert")
    eve.send("EXIT")
    alice.wait_for_people("alice (you)", "robert")
    assert alice("window.people.count['text']") == "2 here"


@pytest.mark.slow
def test_people_have_the_colours_that_they_have_in_the_conversation(
    alice: Opened, server: ServerProcess
) -> None:
    names = [f"pupil{number}" for number in range(100)]
    names = [name for name in names if colour_number(name) == colour_number("pupil0")][:3]
    for name in reversed(names):
        server.connect(name).send(f"MSG BROADCAST I am {name}")
        alice.wait_for(f"I am {name}")
    alice.wait_for_people("alice (you)", *names)

    def colours() -> list[str]:
        shown = [alice(f"str(people.itemcget({row}, 'foreground'))") for row in (1, 2, 3)]
        for name, colour in zip(names, shown, strict=True):
            tag = next(tag for tag in alice.tags(f"{name}: I am") if tag.startswith("person"))
            assert alice(f"str(conversation.tag_cget({tag!r}, 'foreground'))") == colour
        return shown

    before = colours()
    assert len(set(before)) == 3
    assert alice("str(people.itemcget(0, 'foreground'))") not in before  # one has none oneself


@pytest.mark.slow
def test_only_rows_that_change_are_touched(open_window: OpenWindow) -> None:
    """A thousand people: to make all rows anew for one takes long with many."""
    names = [f"p{number:03}" for number in range(0, 1000, 2)]
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice", *names)
        alice.wait("people.size() == 501")
        rows = ["alice (you)", *names]
        assert alice("list(people.get(0, 'end'))") == rows
        # A mark of ours shows which rows are still the same.
        alice("[people.itemconfigure(row, background='#eeeeee') for row in range(501)] and None")
        alice("[people.see(400), people.selection_set(410), people.activate(410)] and None")
        top = alice("people.get(people.nearest(0))")
        connection.send("JOINED p001", "LEFT p600", "RENAMED p700 p701", "BLOCKED p800")
        changes = {"p600": "", "p700": "", "p800": "p800 (blocked)"}
        rows = sorted([*(changes.get(row, row) for row in rows), "p001", "p701"])
        rows = [row for row in rows if row]
        alice.wait(f"list(people.get(0, 'end')) == {rows!r}")
        marks = "[str(people.itemcget(row, 'background')) for row in range(people.size())]"
        fresh = [row for row, mark in zip(rows, alice(marks), strict=True) if not mark]
        assert fresh == ["p001", "p701", "p800 (blocked)"]
        assert alice("people.get(people.nearest(0))") == top
        assert alice("people.get(people.curselection()[0])") == "p818"
        connection.send(names_frame("alice", "p818", "q"))
        alice.wait("people.size() == 3")
        assert alice("people.get(people.curselection()[0])") == "p818"


@pytest.mark.slow
def test_long_names_are_shown_whole(alice: Opened, server: ServerProcess) -> None:
    name = "Bartholomew_the_2nd_"
    server.connect(name)
    alice.wait_for_people("alice (you)", name)
    is_whole = "people.bbox(1)[0] + people.bbox(1)[2] <= people.winfo_width()"
    hint = "window.people.hint"
    assert alice(is_whole)  # in the window as it opens

    def hover(row: int) -> None:
        top = alice(f"people.bbox({row})[1]")
        alice(f"people.event_generate('<Motion>', x=5, y={top + 3})")

    hover(1)
    assert not alice(f"{hint}.winfo_ismapped()")
    alice("window.people.frame.master.sashpos(0, window.people.frame.master.winfo_width() - 140)")
    alice.wait(f"not ({is_whole})")
    hover(1)
    alice.wait(f"{hint}.winfo_ismapped() and {hint}['text'] == {name!r}")
    row = alice("[people.winfo_rooty() + people.bbox(1)[1] + n for n in (0, people.bbox(1)[3])]")
    top = alice(f"{hint}.winfo_rooty()")
    assert top >= row[1] - 1 or top + alice(f"{hint}.winfo_height()") <= row[0] + 1
    assert alice(f"{hint}.winfo_reqwidth() <= {hint}.winfo_width()")
    hover(0)
    alice.wait(f"not {hint}.winfo_ismapped()")
    hover(1)
    alice.wait(f"{hint}.winfo_ismapped()")
    alice("people.event_generate('<Leave>')")
    alice.wait(f"not {hint}.winfo_ismapped()")
