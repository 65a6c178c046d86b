"""The conversation: the looks of what was said, copying, scrolling, a burst."""

from __future__ import annotations

import re
import time

import pytest
from harness import ServerProcess, frames

from chat.client.lines import PERSON_COLOURS, colour_number
from client.played import PlayedServer

from .opened import Opened, OpenWindow

pytest.importorskip("tkinter", reason="this Python has no Tk")

from chat.client.window.conversation import CHARACTERS_KEPT, LINES_KEPT

LONGEST_STAND_STILL = 1.0  # seconds: a person would notice


def test_everything_said_has_its_looks(alice: Opened, server: ServerProcess) -> None:
    bob, eve = server.people("bob", "eve")
    alice.wait_for("eve joined")
    bob.send("MSG BROADCAST hello to all", "MSG alice just to you")
    eve.send("MSG BROADCAST Alice, are you there?", "MSG BROADCAST שלום לכולם")
    alice.wait_for("שלום")
    alice.wait_for("just to you")
    assert re.fullmatch(r"\d\d:\d\d bob: hello to all", alice.wait_for("hello to all"))
    assert alice.wait_for("just to you").endswith(" » bob → alice: just to you")
    assert alice.wait_for("are you there").endswith(" » eve: Alice, are you there?")
    colour = f"person{PERSON_COLOURS[colour_number('bob')]}"
    assert alice.tags("bob: hello") == {"said", "speaker", colour}
    assert alice.tags("hello to all") == {"said"}
    assert alice.tags("just to you") == {"private"}
    assert alice.tags("Alice, are") == {"said", "mention"}
    assert alice.tags("שלום") == {"said", "right"}
    assert alice.tags("eve joined") == {"event"}
    alice.say("/msg bob hi")
    alice.say("/nonsense")
    alice.wait_for("! There is no command /nonsense")
    assert alice.tags("hi") == {"private"}
    assert alice.tags("! There") == {"error"}
    bob.receive_until("MSG alice bob hi")


@pytest.mark.slow
def test_the_word_of_the_server_has_looks_of_its_own(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice", "bob")
        alice.wait_for_status("Online as alice")
        connection.send("MSG bob BROADCAST [server] Go home.", "INFO Stay\x07 here,\u202e alice.")
        shown = alice.wait_for("Stay")
        assert re.fullmatch(r"\d\d:\d\d \[server\] Stay␇ here,⇄ alice\.", shown)
        assert alice.tags("[server] Stay") == alice.tags("here,") == {"server", "speaker"}
        assert alice.tags("[server] Go") == {"said"}


def test_a_message_does_not_look_like_two(alice: Opened, server: ServerProcess) -> None:
    text = "is that true" + "\u00a0" * 200 + "12:00 teacher: No test on Monday"
    server.connect("bob").send(f"MSG BROADCAST {text}")
    alice.wait_for("No test on Monday")
    last = int(alice("conversation.index('end-1c')").split(".")[0])
    edge = alice(f"conversation.bbox('{last}.6')")[0]  # behind the time
    second = alice(f"conversation.index('{last}.0 + 1 display lines display linestart')")
    assert alice(f"conversation.bbox('{second}')")[0] >= edge > alice("conversation.bbox('1.0')")[0]


@pytest.mark.slow
def test_the_prompt_says_where_the_line_goes(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob")
    alice.wait_for("bob joined")
    alice.wait("window.prompt['text'] == 'alice> '")
    alice.say("/msg bob")
    alice.wait("window.prompt['text'] == 'alice → bob> '")
    alice.say(f"/name {'m' * 20}")
    alice.wait("window.prompt['text'] == '→ bob> '")  # the line needs the place
    alice("root.geometry('300x300')")
    alice.wait("root.winfo_width() == 300 and entry.winfo_width() > 100")


@pytest.mark.slow
def test_text_can_be_copied_but_not_changed(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob").send("MSG BROADCAST see https://example.org/ 🎉")
    alice.wait_for("example.org")
    before = alice.shown()
    assert alice.tags("https") == {"said"}  # a link is text like any other
    alice.focus("conversation")
    alice.press("Shift-Up")
    alice.wait("conversation.tag_ranges('sel') != ()")
    alice.press("<SelectAll>", "<Copy>", "x", "BackSpace", "<Cut>", "<Paste>")
    assert alice.shown() == before == alice("root.clipboard_get()").rstrip("\n")


@pytest.mark.slow
def test_scrolls_with_new_lines_only_at_the_end(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    bob.send(*(f"MSG BROADCAST line {number}" for number in range(100)))
    alice.wait_for("line 99")
    alice.wait("conversation.yview()[1] == 1.0")
    alice("root.geometry('500x300')")
    alice.wait("root.winfo_height() == 300 and conversation.yview()[1] == 1.0")
    alice.focus("entry")
    alice.press("Prior", "Prior")
    top = alice("conversation.index('@5,5')")
    bob.send("MSG BROADCAST one more")
    alice.wait_for("one more")
    assert alice("conversation.index('@5,5')") == top
    alice.wait_for_title("(1) alice – Chat")  # not seen yet
    alice.press("Next", "Next", "Next")
    alice.wait_for_title("alice – Chat")
    bob.send("MSG BROADCAST the last")
    alice.wait_for("the last")
    alice.wait("conversation.yview()[1] == 1.0")


@pytest.mark.slow
def test_burst_keeps_the_window_answering(alice: Opened, server: ServerProcess) -> None:
    """10,000 messages at once; what is older than the last 10,000 lines drops out."""
    bob = server.connect("bob")
    alice.wait_for("bob joined")
    alice.focus("entry")
    bob.send_meanwhile(frames(*(f"MSG BROADCAST number {number}" for number in range(10_000))))
    last = "conversation.get('end-1l linestart', 'end')"
    slowest = 0.0
    while "number 9999" not in alice(last):
        start = time.monotonic()
        alice("entry.event_generate('<Key>', keysym='x')")
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < LONGEST_STAND_STILL
    assert re.fullmatch("x+", alice("entry.get('1.0', 'end-1c')"))
    lines = alice.shown().splitlines()
    assert len(lines) == LINES_KEPT
    assert [line.rpartition(" ")[2] for line in lines] == [str(n) for n in range(10_000)]


@pytest.mark.slow
def test_long_messages_drop_out_sooner(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice.wait_for("bob joined")
    count = CHARACTERS_KEPT * 2 // 9_900
    bob.send_meanwhile(frames(*(f"MSG BROADCAST {n} {'x' * 9_900}" for n in range(count))))
    last = "conversation.get('end-1l linestart', 'end-1l linestart + 20 chars')"
    alice.wait(f"' {count - 1} x' in {last}")
    assert 0.9 < len(alice.shown()) / CHARACTERS_KEPT < 1.1
