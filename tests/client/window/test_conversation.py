"""The conversation: the looks of what was said, copying, scrolling, a burst."""

from __future__ import annotations

import random
import re
import time

import pytest
from harness import ServerProcess, frames, slow_beyond
from terminal.nasty import nasty_text

from chat.client.lines import PERSON_COLOURS, colour_number
from client.played import PlayedServer

from .opened import PLAIN, Opened, OpenWindow

pytest.importorskip("tkinter", reason="this Python has no Tk")

from chat.client.window.conversation import (
    CHARACTERS_KEPT,
    LINES_KEPT,
    TIMES_KEPT_WHILE_READING,
)

LONGEST_STAND_STILL = 1.0  # seconds: a person would notice


def looks(window: Opened, text: str) -> set[str]:
    """Return the tags of a text, save those that tell where its further rows begin."""
    return {tag for tag in window.tags(text) if not tag.startswith(("hang", "head"))}


@pytest.mark.slow
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
    assert looks(alice, "bob: hello") == {"said", "speaker", "name", colour}
    assert looks(alice, "hello to all") == {"said"}
    assert looks(alice, "just to you") == {"private"}
    assert looks(alice, "Alice, are") == {"said", "mention"}
    assert looks(alice, "שלום") == {"said", "right"}
    assert looks(alice, "eve joined") == {"event"}
    alice.say("/msg bob hi")
    alice.say("/nonsense")
    alice.wait_for("! There is no command /nonsense")
    assert looks(alice, "hi") == {"private"}
    assert looks(alice, "! There") == {"error"}
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
        word = looks(alice, "[server] Stay")
        assert word == looks(alice, "here,") == {"server", "speaker"}
        assert looks(alice, "[server] Go") == {"said"}


FORGED = "12:00 teacher: No test on Monday"


def assert_hangs(window: Opened, number: int) -> int:
    """Check that no row of a line's text begins where a time or a name may stand.

    Returns how many further rows its text has.
    """
    line = f"'{number}.0'"
    window(f"[conversation.see({line} + ' lineend'), conversation.see({line})] and None")
    count = "conversation.tk.call(conversation, 'count', '-update', '-displaylines', "
    rows = range(1, 1 + window(f"int({count} {line}, {line} + ' lineend'))"))
    behind = f"conversation.search(':', conversation.tag_nextrange('name', {line})[1])"
    time, name, end = window(
        f"[conversation.bbox(place)[0] for place in"
        f" ({line}, conversation.tag_nextrange('name', {line})[0], {behind})]"
    )
    assert time < 10 < name < end  # pixels: the time stands at the edge
    edge = min(end, window("conversation.winfo_width()") // 2)
    further = window(
        f"[conversation.dlineinfo(row)[0] for row in [conversation.index({line} + f' +{{number}}"
        f" display lines display linestart') for number in {list(rows)}]"
        f" if conversation.compare(row, '>', {behind}) and conversation.dlineinfo(row)]"
    )
    assert all(row >= edge and row > name for row in further), (further, name, end)
    return len(further)


@pytest.mark.parametrize(
    "text",
    slow_beyond(
        1,
        [
            "is that true" + "\u00a0" * 200 + FORGED,
            "שלום" + "\u00a0" * 200 + FORGED,
            "well " + "\u2800" * 99 + FORGED,
            "well " + "\u3000" * 99 + FORGED,
            "well" + " " * 300 + FORGED,
            "x" * 300 + FORGED,
            "שלום לכולם " * 30 + FORGED,
            "ש" * 200 + FORGED,
        ],
    ),
)
def test_a_message_does_not_look_like_two(alice: Opened, server: ServerProcess, text: str) -> None:
    server.connect("bob").send(f"MSG BROADCAST {text}")
    alice.wait_for("No test on Monday")
    last = int(alice("conversation.index('end-1c')").split(".")[0])
    assert assert_hangs(alice, last) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("geometry", "scaling"),
    [("1000x1100", PLAIN), ("480x1100", PLAIN), ("330x1100", PLAIN), ("1000x1100", 2 * PLAIN)],
)
def test_no_text_begins_where_a_time_or_a_name_stands(
    open_window: OpenWindow, geometry: str, scaling: float
) -> None:
    dice = random.Random(16)
    with PlayedServer() as played:
        port = str(played.port)
        alice = open_window("127.0.0.1", port, "--name", "alice", scaling=scaling)
        connection = played.accept()
        connection.welcome("alice", "bob")
        alice(f"root.geometry({geometry!r})")
        alice.wait(f"root.winfo_geometry().startswith({geometry!r})")
        for sender in ("bob", "Bartholomew_the_2nd", "bob"):
            for to in ("BROADCAST", "alice"):
                right = dice.choice(["", "ש"])
                texts = [right + nasty_text(dice).replace("\n", " ") for _ in range(3)]
                connection.send(*(f"MSG {sender} {to} {text}" for text in texts))
        connection.send("MSG bob BROADCAST the end")
        alice.wait_for("the end")
        last = int(alice("conversation.index('end-1c')").split(".")[0])
        rows = [assert_hangs(alice, number) for number in range(last - 18, last)]
        assert max(rows) > 1


@pytest.mark.slow
def test_time_and_name_stand_at_the_left_of_what_runs_leftwards(
    alice: Opened, server: ServerProcess
) -> None:
    """Where they were anywhere in the row, a further row could look like them."""
    server.connect("bob").send("MSG BROADCAST hello", "MSG BROADCAST שלום")
    alice.wait_for("שלום")
    left, right = (
        alice(f"conversation.bbox(conversation.search({text!r}, '1.0'))[0]")
        for text in ("hello", "שלום")
    )
    names = alice("[conversation.bbox(place)[0] for place in conversation.tag_ranges('name')[::2]]")
    assert names[0] == names[1] < left
    width = alice("conversation.winfo_width()")
    assert left < width // 2 < right < width


@pytest.mark.slow
@pytest.mark.parametrize(
    ("geometry", "larger"),
    [("1000x1000", 0), ("1000x1000", 3), ("480x1000", 2), ("330x1000", 0)],
)
def test_help_stands_in_columns(alice: Opened, geometry: str, larger: int) -> None:
    alice(f"root.geometry({geometry!r})")
    alice.wait(f"root.winfo_geometry().startswith({geometry!r})")
    alice.focus("entry")
    alice.press(*["Control-plus"] * larger)
    alice.say("/help")
    alice.wait_for("MSG bob hi")
    lines = alice.shown().splitlines()
    help_lines = range(lines.index("text\tto everyone") + 1, len(lines) + 1)
    boxes = "[conversation.bbox(place) for place in"
    first = alice(f"{boxes} [f'{{n}}.0' for n in {list(help_lines)}]]")
    assert len({left for left, *_ in first}) == 1
    tabs = [(n, lines[n - 1].index("\t")) for n in help_lines if "\t" in lines[n - 1]]
    assert len(tabs) > 5
    second = alice(f"{boxes} [f'{{n}}.{{tab + 1}}' for n, tab in {tabs}]]")
    assert len({left for left, *_ in second}) == 1
    assert second[0][0] > first[0][0]
    # Behind what is typed, each of them, or below it.
    assert len({below[1] > box[1] for box, below in zip(first, second, strict=False)}) == 1


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
    assert looks(alice, "https") == {"said"}  # a link is text like any other
    alice.focus("conversation")
    alice.press("Shift-Up")
    alice.wait("conversation.tag_ranges('sel') != ()")
    alice.press("<SelectAll>", "<Copy>", "BackSpace", "<Cut>", "x")
    alice.focus("conversation")
    alice.press("<Paste>")
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
def test_a_button_leads_to_the_newest(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    bob.send(*(f"MSG BROADCAST line {number}" for number in range(100)))
    alice.wait_for("line 99")
    button = "window.conversation.newest"
    assert not alice(f"{button}.winfo_ismapped()")
    for leave in (f"{button}.invoke()", "[]", "conversation.yview_moveto(1.0)"):
        alice("conversation.yview_moveto(0.2)")
        alice.wait("not window.conversation.following")
        bob.send("MSG BROADCAST one", "MSG alice two", "NAME robert", "NAME bob")
        alice.wait(f"{button}['text'] == '2 new' and {button}.winfo_ismapped()")
        corner = alice(
            f"[{button}.winfo_x() + {button}.winfo_width(),"
            f" {button}.winfo_y() + {button}.winfo_height()]"
        )
        size = alice("[conversation.winfo_width(), conversation.winfo_height()]")
        assert all(0 < whole - part < 20 for part, whole in zip(corner, size, strict=True))
        if leave == "[]":
            alice.focus("conversation")
            alice.press("End")
        alice(f"{leave} and None")
        alice.wait(f"not {button}.winfo_ismapped() and conversation.yview()[1] == 1.0")
    alice("conversation.yview_moveto(0.2)")
    alice.focus("entry")
    alice.press("Control-End")
    alice.wait("conversation.yview()[1] == 1.0")


@pytest.mark.slow
def test_what_is_read_stays_where_it_is_while_old_lines_drop_out(
    alice: Opened, server: ServerProcess
) -> None:
    bob = server.connect("bob")
    bob.send_meanwhile(frames(*(f"MSG BROADCAST number {number}" for number in range(LINES_KEPT))))
    last = "conversation.get('end-1l linestart', 'end')"
    alice.wait(f"'number {LINES_KEPT - 1}' in {last}")
    alice.focus("entry")
    alice("conversation.yview_moveto(0)")
    alice.wait("not window.conversation.following")
    seen = "[conversation.get(f'@5,{y}', f'@5,{y} lineend') for y in range(5, 300, 20)]"
    before = alice(seen)
    for number in range(50):
        bob.send(f"MSG BROADCAST more {number}")
        alice.wait(f"'more {number}\\n' in {last}")
        assert alice(seen) == before
    many = ["MSG BROADCAST x"] * 2 * LINES_KEPT
    bob.send_meanwhile(frames(*many, "MSG BROADCAST the last"))
    alice.wait(f"'the last' in {last}")
    lines = "int(conversation.index('end-1c').split('.')[0])"
    assert alice(lines) == TIMES_KEPT_WHILE_READING * LINES_KEPT
    alice.press("Control-End")
    alice.wait("window.conversation.following")
    bob.send("MSG BROADCAST the very last")
    alice.wait(f"'very last' in {last}")
    assert alice(lines) == LINES_KEPT


@pytest.mark.slow
def test_a_click_on_a_name_writes_to_that_person(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob").send("MSG BROADCAST hello")
    server.connect("eve").send("MSG alice psst")
    alice.wait_for("hello")
    alice.wait_for("psst")
    alice.type("hm")
    for shown, name in (("bob: hello", "bob"), ("eve → alice", "eve")):
        left, top, _, _ = alice(f"conversation.bbox(conversation.search({shown!r}, '1.0'))")
        for event in ("<Motion>", "<ButtonPress-1>", "<ButtonRelease-1>"):
            alice(f"conversation.event_generate({event!r}, x={left + 2}, y={top + 4})")
        alice.wait(f"window.prompt['text'] == 'alice → {name}> '")
        alice.wait("focus() == 'entry'")
        alice.wait_for_typed("hm")


@pytest.mark.slow
def test_what_is_typed_elsewhere_goes_to_the_entry(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob").send("MSG BROADCAST hello")
    alice.wait_for("hello")
    alice.wait_for_people("alice (you)", "bob")
    for part, text in (("conversation", "h"), ("people", "hi")):
        alice.focus(part)
        alice.press("Down", "Up", "Control-c", "Shift-Up", "Alt-x", "F5")
        assert alice("focus()") == part
        alice.press(text[-1])
        alice.wait("focus() == 'entry'")
        alice.wait_for_typed(text)
    alice("[root.clipboard_clear(), root.clipboard_append(' there')] and None")
    alice.focus("conversation")
    alice.press("<Paste>")
    alice.wait_for_typed("hi there")
    alice.wait("focus() == 'entry'")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["entry", "conversation"])
def test_control_a_selects_all(alice: Opened, part: str) -> None:
    alice.type("one two")
    alice.focus(part)
    alice.press("Control-a")
    whole = alice(f"{part}.get('1.0', 'end-1c')")
    assert alice(f"{part}.get('sel.first', 'sel.last')").rstrip("\n") == whole != ""


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
