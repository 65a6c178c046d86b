"""The entry: history, completion, several lines."""

from __future__ import annotations

import pytest
from harness import ServerProcess

from .opened import Opened

pytest.importorskip("tkinter", reason="this Python has no Tk")

from chat.client.window.entry import ENTRY_ROWS


@pytest.mark.slow
def test_history_and_completion_as_in_the_terminal(alice: Opened, server: ServerProcess) -> None:
    server.people("bob", "bea")
    alice.wait_for("bea joined")
    alice.say("one")
    alice.say("two 🎉")
    alice.type("draft", "Up")
    alice.wait_for_typed("two 🎉")
    alice.press("Up")
    alice.wait_for_typed("one")
    alice.press("Down", "Down")
    alice.wait_for_typed("draft")
    alice.press("<SelectAll>", "BackSpace")
    alice.type("/ms", "Tab")
    alice.wait_for_typed("/msg ")
    alice.type("b", "Tab")
    alice.wait_for_typed("/msg bea ")
    alice.press("Tab")
    alice.wait_for_typed("/msg bob ")
    alice.say("hi")
    alice.wait_for("alice → bob: hi")
    alice.type("🎉 end", "<LineStart>")
    alice.type("be", "Tab")  # what is left of the cursor is completed
    alice.wait_for_typed("bea: 🎉 end")
    alice.press("<SelectAll>", "BackSpace")
    alice.type("/ms", "Tab", "Return")
    alice.type("/msg ", "Tab")  # the same text as before, but a new line
    alice.wait_for_typed("/msg bea ")


@pytest.mark.slow
def test_keys_move_by_words_as_in_the_terminal(alice: Opened) -> None:
    alice.type("one two three", "Control-Left", "Alt-b")
    alice.wait("entry.index('insert') == '1.4'")
    alice.press("Alt-f", "Control-Right")
    alice.wait("entry.index('insert') == '1.13'")


@pytest.mark.slow
def test_several_pasted_lines_are_sent_as_several(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice.wait_for("bob joined")
    assert not alice("window.entry.count.winfo_viewable()")
    alice.type("one\ntwo\n\n  three 🎉\n")
    alice.wait(f"entry['height'] == {ENTRY_ROWS}")
    alice.wait("window.entry.count.winfo_viewable()")
    assert alice("window.entry.count['text']") == "3 lines: Enter sends them all"
    alice.press("Return")
    bob.expect(*(f"MSG alice BROADCAST {text}" for text in ("one", "two", "  three 🎉")))
    alice.wait_for_typed("")
    alice.wait("entry['height'] == 1")
    alice.wait("not window.entry.count.winfo_viewable()")


def test_many_pasted_lines_leave_the_window_as_large_as_it_was(alice: Opened) -> None:
    """Else it grows beyond a small screen, and the line is below its edge."""
    size = alice("(root.winfo_width(), root.winfo_height())")
    alice.type("\n".join(map(str, range(30))))
    alice.wait("entry.winfo_height() > 2 * entry.dlineinfo('1.0')[3]")
    assert alice("[root.update(), (root.winfo_width(), root.winfo_height())][1]") == size
