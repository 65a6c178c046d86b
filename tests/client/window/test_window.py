"""The window: its parts together, the state of the connection, and what asks for attention."""

from __future__ import annotations

import time

import pytest
from harness import ServerProcess, StartServer

from client.played import PlayedServer

from .opened import PLAIN, Opened, OpenWindow, join


@pytest.mark.parametrize("percent", [100, pytest.param(125, marks=pytest.mark.slow), 200])
@pytest.mark.slow
def test_small_window_keeps_every_part(
    open_window: OpenWindow, server: ServerProcess, percent: int
) -> None:
    alice = join(open_window, server, scaling=PLAIN * percent / 100)
    alice("root.geometry('400x300')")
    alice.wait("root.winfo_height() == 300 and conversation.dlineinfo('end-1c')")
    alice("root.update()")  # its parts are given their places after it has its size
    row = alice("conversation.dlineinfo('end-1c')[3]")  # pixels
    assert row * 100 > 12 * percent  # letters grow with the scaling
    for part in ("conversation", "people", "entry", "status"):
        assert alice(f"{part}.winfo_viewable() and {part}.winfo_height() >= {row}"), part
        for side, whole in (("y", "height"), ("x", "width")):
            start = f"{part}.winfo_root{side}() - root.winfo_root{side}()"
            assert alice(start) >= 0, part
            if part != "status":  # where its end is cut off, its beginning says enough
                assert alice(f"{start} + {part}.winfo_{whole}() <= root.winfo_{whole}()"), part
    assert alice("conversation.winfo_height()") >= 2 * row


@pytest.mark.slow
def test_every_part_is_reached_by_keyboard(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob")
    alice.wait_for("bob joined")
    parts = ["entry", "conversation", "people"]
    alice.focus("entry")
    for part in (*parts, "entry"):
        alice.wait(f"focus() == {part!r}")
        assert alice("root.focus_get()['highlightthickness']") > 0  # it is seen where the focus is
        alice.press("F6")
    alice.press("Escape")
    alice.wait("focus() == 'entry'")
    reached = set()
    for _ in range(4):
        alice.press("Tab")  # from an empty entry it goes on as from everywhere
        reached.add(alice("focus()"))
    assert reached >= set(parts)
    alice.focus("people")
    alice.press("Down")
    alice("root.after(1, people.event_generate, '<Shift-F10>')")
    alice.wait_for_menu()


def test_line_typed_without_connection_stays(open_window: OpenWindow) -> None:
    window = open_window()
    window("dialog.top.withdraw()")
    window.say("hello")
    window.wait("dialog.open")
    window.wait_for_typed("hello")
    window.focus("server")
    window("root.after(1, server.event_generate, '<Escape>')")
    window.wait_until_closed()  # for nothing was ever said


@pytest.mark.slow
def test_title_counts_what_was_not_seen(open_window: OpenWindow, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice = join(open_window, server, "--flash")
    alice.wait_for_title("alice – Chat")
    open_window()  # takes the focus
    bob.send("MSG BROADCAST one", "MSG alice two")
    alice.wait_for_title("(2) alice – Chat")
    bob.send("MSG BROADCAST alice!")
    alice.wait("str(status['style']) == 'Lit.TLabel' and root.title() == '» (3) alice – Chat'")
    alice.wait_for_title("(3) alice – Chat")  # flashes go out again
    alice("root.focus_force()")
    alice.wait_for_title("alice – Chat")


@pytest.mark.slow
def test_mention_does_not_flash_unasked(open_window: OpenWindow, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice = join(open_window, server)
    open_window()  # takes the focus
    bob.send("MSG BROADCAST alice!")
    alice.wait_for_title("(1) alice – Chat")
    end = time.monotonic() + 0.7  # the light would be on for half of every second
    while time.monotonic() < end:
        assert alice("root.title(), str(status['style'])") == ("(1) alice – Chat", "Calm.TLabel")


@pytest.mark.slow
def test_reconnects_like_the_terminal_client(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--rate", "0")
    alice = join(open_window, server)
    server.may_end = True
    server.process.kill()
    alice.wait_for_status("Connection lost: next try in ")
    alice.wait("window.status.connect.winfo_viewable()")  # to choose another server instead
    alice.say("said meanwhile")
    alice.wait_for(r"alice \(waiting\): said meanwhile")
    bob = start_server("--rate", "0", "--port", str(server.port)).connect("bob")
    bob.expect("JOINED alice", "MSG alice BROADCAST said meanwhile")
    alice.wait_for("you are back as alice")
    alice.wait_for_status("Online as alice")
    assert not alice("dialog.open or window.status.connect.winfo_viewable()")


@pytest.mark.slow
def test_it_stands_still_for_no_name_server(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    """While it comes back it looks the server up again, and the answer takes an hour."""
    server = start_server("--rate", "0")
    alice = join(open_window, server)
    slow = "lambda *_, **__: __import__('time').sleep(3600)"
    alice(f"setattr(__import__('socket'), 'getaddrinfo', {slow})")
    server.may_end = True
    server.process.kill()
    alice.wait_for_status("next try in 0 s")
    alice.wait("window._resolver and window._resolver.is_alive()")
    alice.say("said meanwhile")
    alice.wait_for(r"alice \(waiting\): said meanwhile")
    alice.type("/quit")
    alice("root.after(1, entry.event_generate, '<Return>')")
    alice.wait_until_closed()


@pytest.mark.slow
def test_it_is_not_online_until_it_has_its_name_back(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.close()
        connection = played.accept()
        connection.expect("NAME alice")
        connection.send("ERROR NAME_TAKEN alice is taken; choose another name.")
        alice.wait_for("alice is still held by your old connection")
        alice.wait_for_status(f"Connected to 127.0.0.1, port {played.port}; waiting for the name")
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")


@pytest.mark.slow
def test_the_word_of_the_server_is_for_everyone_who_did_not_see_it(
    open_window: OpenWindow,
) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice", "--flash")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_title("alice – Chat")
        open_window()  # takes the focus
        connection.send("INFO Listen, please.")
        alice.wait("str(status['style']) == 'Lit.TLabel' and root.title() == '» (1) alice – Chat'")


def test_who_is_sent_away_reads_why_and_does_not_call_again(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.send("ERROR REMOVED that was enough")
        connection.close()
        alice.wait_for("! You were sent away: that was enough")
        alice.wait("dialog.open and 'You were sent away' in dialog.message['text']")
        alice.wait_for_status("Not connected")


@pytest.mark.slow
def test_a_locked_door_is_final_for_a_newcomer_alone(open_window: OpenWindow) -> None:
    locked = "ERROR LOCKED The door is locked: nobody new is let in for now."
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.send(locked)
        connection.close()
        alice.wait("dialog.open and 'The door is locked' in dialog.message['text']")
        alice.wait_for_status("Not connected")
        alice.press("Return")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.close()
        connection = played.accept()
        connection.send(locked)
        connection.close()
        alice.wait_for("! The door is locked: nobody new is let in for now.")
        played.accept().welcome("alice")
        alice.wait_for_status("Online as alice")


@pytest.mark.slow
def test_closing_the_window_leaves_politely(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice.close()
    bob.expect("LEFT alice")
    server.wait_for_line("alice gone: left")


@pytest.mark.slow
def test_quit_closes_the_window(alice: Opened) -> None:
    alice.type("/quit")
    alice("root.after(1, entry.event_generate, '<Return>')")
    alice.wait_until_closed()
