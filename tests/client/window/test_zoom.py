"""The zoom: Ctrl with +, − and 0, for everything in the window."""

from __future__ import annotations

import sys

import pytest
from harness import ServerProcess

from .opened import PLAIN, Opened, OpenWindow, join

pytest.importorskip("tkinter", reason="this Python has no Tk")

# How high all that has letters wants to be, in pixels.
HEIGHTS = {
    "conversation": "conversation.winfo_reqheight()",
    "a name in it": "conversation.tk.call('font', 'metrics',"
    " conversation.tag_cget('speaker', 'font'), '-linespace')",
    "people": "people.winfo_reqheight()",
    "entry": "entry.winfo_reqheight()",
    "prompt": "window.prompt.winfo_reqheight()",
    "status": "status.winfo_reqheight()",
    "count": "window.people.count.winfo_reqheight()",
    "menu": "menu.winfo_reqheight()",
    "dialog's field": "server.winfo_reqheight()",
    "dialog's box": "tls.winfo_reqheight()",
    "dialog": "dialog.message.winfo_reqheight()",
    "button": "window.status.connect.winfo_reqheight()",
    "newest": "window.conversation.newest.winfo_reqheight()",
    "scrollbar": "next(iter(people.master.pack_slaves()[1:2])).winfo_reqwidth()",
}
PAIRS = [("plus", "minus"), ("equal", "underscore"), ("KP_Add", "KP_Subtract")]
AS_IT_WAS = "Control-KP_0"
if sys.platform == "win32":  # where Tk does not tell the keypad's keys from the others
    del PAIRS[2:]
    AS_IT_WAS = "Control-0"


def heights(window: Opened) -> dict[str, int]:
    """Return how high everything is."""
    window("root.update_idletasks()")
    parts = HEIGHTS.keys() - ({"menu"} if sys.platform == "win32" else set())  # the system's own
    return {part: window(HEIGHTS[part]) for part in parts}


@pytest.mark.slow
@pytest.mark.parametrize("scaling", [PLAIN, 2 * PLAIN])
@pytest.mark.parametrize("geometry", ["1280x800", "480x320"])
def test_everything_is_enlarged_and_made_smaller(
    open_window: OpenWindow, server: ServerProcess, geometry: str, scaling: float
) -> None:
    alice = join(open_window, server, scaling=scaling)
    alice(f"root.geometry({geometry!r})")
    alice.wait(f"root.winfo_geometry().startswith({geometry!r})")
    alice.focus("entry")
    before = heights(alice)
    for larger, smaller in PAIRS:
        alice.press(f"Control-{larger}", f"Control-{larger}", f"Control-{larger}")
        after = heights(alice)
        assert [part for part in before if after[part] <= before[part]] == []
        alice.press(f"Control-{smaller}", f"Control-{smaller}", f"Control-{smaller}")
        assert heights(alice) == before
    alice.press(*["Control-minus"] * 4)
    after = heights(alice)
    assert [part for part in before if after[part] >= before[part]] == []
    alice.press("Control-0")
    assert heights(alice) == before
    alice.press(*["Control-plus"] * 9)
    largest = heights(alice)
    alice.press("Control-plus")
    assert heights(alice) == largest  # there is an end
    assert largest["conversation"] < 5 * before["conversation"]
    assert alice("root.winfo_geometry()").startswith(geometry)  # the window stays as it is
    alice.press(*["Control-minus"] * 12)
    assert heights(alice)["conversation"] > before["conversation"] // 2
    alice.press(AS_IT_WAS)
    assert heights(alice) == before


@pytest.mark.slow
def test_the_conversation_is_laid_out_anew(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob").send(f"MSG BROADCAST {'so it goes on ' * 20}")
    alice.wait_for("so it goes on")
    for key in ("Control-plus", "Control-plus", "Control-0", "Control-minus"):
        alice.focus("conversation")
        alice.press(key)
        assert alice("focus()") == "conversation"  # it types nothing
        alice("root.update_idletasks()")
        first = alice("conversation.bbox(conversation.search('so it', '1.0'))[0]")
        line = "conversation.search('so it', '1.0') + ' linestart + 1 display lines"
        second = alice(f"conversation.bbox({line} display linestart')[0]")
        assert abs(first - second) <= 2  # pixels: letters are measured one by one there
        assert alice("conversation.yview()[1]") == 1.0  # and the newest stays in sight
    assert alice("entry.get('1.0', 'end-1c')") == ""


@pytest.mark.slow
def test_the_dialog_hears_of_it_too(open_window: OpenWindow) -> None:
    dialog = open_window()
    dialog.focus("name")
    before = dialog("name.winfo_reqheight()")
    name = dialog("name.get()")
    dialog.press("Control-plus", "Control-plus", "Control-plus")
    dialog("root.update_idletasks()")
    assert dialog("name.winfo_reqheight()") > before
    assert dialog("name.get()") == name
