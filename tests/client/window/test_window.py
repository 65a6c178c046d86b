"""The window: its parts together, the state of the connection, and what asks for attention."""

from __future__ import annotations

import sys

import pytest
from harness import ServerProcess, StartServer, posix_only

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
    assert row * 100 >= 12 * percent  # letters grow with the scaling
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
    for part in ("conversation", "entry"):
        alice.focus(parts[parts.index(part) + 1])
        alice.press("Shift-Tab")
        alice.wait(f"focus() == {part!r}")
    alice.focus("people")
    alice.press("Down")
    alice("root.after(1, people.event_generate, '<Shift-F10>')")
    alice.wait_for_menu()


@pytest.mark.slow
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
    alice = join(open_window, server)
    alice.wait_for_title("alice – Chat")
    open_window()  # takes the focus
    bob.send("MSG BROADCAST one", "MSG BROADCAST two")
    alice.wait_for_title("(2) alice – Chat")
    bob.send("MSG alice three")
    alice.wait_for_title("(1 for you, 2 more) alice – Chat")
    alice("root.focus_force()")
    alice.wait_for_title("alice – Chat")
    open_window()
    bob.send("MSG BROADCAST alice!")
    alice.wait_for_title("(1 for you) alice – Chat")


# Windows flashes a button of its own instead, of which no program is told.
BELLS = [0, 0] if sys.platform == "win32" else [1, 2]


@pytest.mark.slow
def test_what_is_for_me_calls_me_once_when_i_look_elsewhere(
    open_window: OpenWindow, server: ServerProcess
) -> None:
    bob = server.connect("bob")
    alice = join(open_window, server)
    alice("root.tk.eval('set bells 0; proc rung args {incr ::bells}')")
    alice("root.tk.eval('trace add execution bell enter rung')")
    bob.send("MSG alice one")
    alice.wait_for("one")
    open_window()  # takes the focus
    bob.send("MSG BROADCAST two")
    alice.wait_for_title("(1) alice – Chat")
    assert alice("int(root.getvar('bells'))") == 0  # it was seen, or is for others as well
    bob.send("MSG alice three", "MSG alice four", "MSG BROADCAST alice!")
    alice.wait_for_title("(3 for you, 1 more) alice – Chat")
    bob.send("MSG alice five")
    alice.wait_for_title("(4 for you, 1 more) alice – Chat")
    assert alice("int(root.getvar('bells'))") == BELLS[0]
    alice("setattr(window._attention, '_next_call', 0)")  # some seconds later
    bob.send("MSG alice six")
    alice.wait_for_title("(5 for you, 1 more) alice – Chat")
    assert alice("int(root.getvar('bells'))") == BELLS[1]


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
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_title("alice – Chat")
        open_window()  # takes the focus
        connection.send("INFO Listen, please.")
        alice.wait_for_title("(1 for you) alice – Chat")


def test_who_is_sent_away_reads_why_and_does_not_call_again(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.send("ERROR REMOVED that was enough")
        connection.close()
        alice.wait_for("! You were sent away: that was enough")
        alice.wait_for(r"\* you are no longer connected: Connect… joins it again, or another")
        alice.wait_for_status("Not connected")
        assert not alice("dialog.open")  # it would take the focus from what is being typed


@posix_only
@pytest.mark.slow
def test_who_ends_the_server_ends_no_window(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--rate", "0")
    alice = join(open_window, server)
    alice.say("said before")
    alice.type("half a sen")
    server.interrupt()
    alice.wait_for(r"\* the server has been stopped: Connect… joins it again, or another")
    alice.wait_for_status("The server has been stopped")
    alice.wait("window.status.connect.winfo_viewable()")
    alice.wait_for_people()
    assert not alice("dialog.open")
    bob = start_server("--rate", "0", "--port", str(server.port)).connect("bob")
    alice.type("tence")
    alice.press("F6", "F6", "Tab")  # as a keyboard gets there
    alice.wait("root.focus_get() is window.status.connect")
    alice.press("Return")
    alice.wait("dialog.open and focus() == 'server'")
    alice.press("Return")
    bob.expect("JOINED alice")
    alice.wait_for_status("Online as alice")
    alice.wait("not window.status.connect.winfo_viewable() and root.focus_lastfor() is entry")
    alice.wait_for_typed("half a sentence")
    alice.type("", "Return")
    bob.expect("MSG alice BROADCAST half a sentence")
    assert alice.shown().count("said before") == 1


@pytest.mark.slow
def test_a_server_that_is_stopped_before_anybody_is_in(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.expect("NAME alice")
        connection.send("ERROR NAME_TAKEN alice is taken.")
        alice.wait_for_complaint("name", "alice is taken.")
        connection.send("BYE")
        alice.wait_for_complaint("server", "The server has been stopped.")


@posix_only
@pytest.mark.slow
def test_what_is_for_one_stays_for_one_at_the_next_server(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--rate", "0")
    server.connect("bob")
    alice = join(open_window, server)
    alice.say("/msg bob")
    alice.wait_for("you write to bob alone")
    alice.type("psst")
    server.interrupt()
    alice.wait_for("the server has been stopped")
    again = start_server("--rate", "0", "--port", str(server.port))
    bob, eve = again.people("bob", "eve")
    alice.press("Return")  # there is nobody to say it to
    alice.wait("dialog.open")
    alice.press("Return")
    alice.wait("not dialog.open and window.prompt['text'] == 'alice → bob> '")
    alice.type("", "Return")
    bob.expect("JOINED alice", "MSG alice bob psst")
    alice.type("psst again")
    again.interrupt()
    alice.wait_for_status("The server has been stopped")
    other = start_server("--rate", "0")
    bob, eve = other.people("bob", "eve")  # another one, perhaps
    alice.press("Return")
    alice.answer_dialog(port=str(other.port))
    alice.wait("not dialog.open and window.prompt['text'] == 'alice> '")
    alice.type("", "Return")
    alice.wait_for("! bob is not here, so this goes to everyone: Enter once more says it.")
    alice.wait_for_typed("psst again")
    bob.expect("JOINED alice")
    eve.expect("JOINED alice")
    assert bob.hears_nothing()
    assert eve.hears_nothing()


@pytest.mark.slow
def test_what_was_not_sent_is_told_where_another_server_is_chosen(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--rate", "0")
    alice = join(open_window, server)
    server.may_end = True
    server.process.kill()
    alice.wait_for_status("Connection lost")
    alice.say("said meanwhile")
    alice.wait_for("said meanwhile")
    other = start_server("--rate", "0")
    alice("window.status.connect.invoke()")
    alice.answer_dialog(port=str(other.port))
    alice.wait_for_status("Online as alice")
    alice.wait_for("! Not sent, of what you typed meanwhile: 1.")


@pytest.mark.slow
def test_no_line_of_the_conversation_is_sent_as_a_password(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.close()
        connection = played.accept()
        connection.expect("NAME alice")
        connection.send("ERROR PASSWORD_REQUIRED Say PASS first.")
        alice.wait_for_complaint("password", "wants a password")
        alice.press("Escape")
        alice.say("good morning")
        alice.wait("dialog.open and focus() == 'password'")
        alice.wait_for_typed("good morning")
        alice.answer_dialog(password="sesame")
        connection.expect("PASS sesame")


@pytest.mark.slow
def test_to_whom(alice: Opened, server: ServerProcess) -> None:
    bob, eve = server.people("bob", "eve")
    alice.wait_for_people("alice (you)", "bob", "eve")
    alice.wait("window.prompt['text'] == 'alice> ' and not window.to_all.winfo_viewable()")
    alice.type("psst")
    alice.click(1, button=1, times=2)
    alice.wait("window.prompt['text'] == 'alice → bob> ' and window.to_all.winfo_viewable()")
    alice.wait("focus() == 'entry'")
    alice.wait_for_typed("psst")
    alice.press("Return")
    bob.expect("MSG alice bob psst")
    alice.type("everyone")
    alice.press("Shift-Tab")
    alice.wait("root.focus_get() is window.to_all")
    alice.press("Return")
    alice.wait("window.prompt['text'] == 'alice> ' and not window.to_all.winfo_viewable()")
    alice.wait("focus() == 'entry'")
    alice.press("Return")
    bob.expect("MSG alice BROADCAST everyone")
    alice("window.write_to('eve')")
    alice.wait("window.to_all.winfo_viewable()")
    alice("window.to_all.focus_force()")
    alice.wait("root.focus_get() is window.to_all")
    eve.send("EXIT")
    alice.wait_for("eve is gone; you write to everyone again")
    alice.wait("not window.to_all.winfo_viewable() and focus() == 'entry'")
    alice("window.write_to('eve')")  # who still stands in the conversation
    alice.wait_for("! Nobody here is called eve")
    alice.wait("window.prompt['text'] == 'alice> '")


@pytest.mark.slow
def test_a_locked_door_is_final_for_a_newcomer_alone(open_window: OpenWindow) -> None:
    locked = "ERROR LOCKED The door is locked: nobody new is let in for now."
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.send(locked)
        connection.close()
        alice.wait("dialog.open and 'is locked: nobody new' in dialog.message['text']")
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
