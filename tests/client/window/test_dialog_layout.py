"""The dialog's layout: in order in each of its states, on every screen, in letters of any size."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations

import pytest
from harness import slow_beyond

from .opened import Opened, OpenWindow

LONG = (
    f"The server says so much that it takes rows and rows of the dialog to read. {'wide' * 60} " * 2
)
# Of every widget that can be seen and holds no other: its name, its place and its size.
EVERY_WIDGET = """[
    (str(w), w.winfo_rootx(), w.winfo_rooty(), w.winfo_width(), w.winfo_height(),
     w.winfo_reqwidth(), w.winfo_reqheight())
    for w in (lambda f: f(f, dialog.top))(
        lambda f, w: [w] + [one for child in w.winfo_children() for one in f(f, child)])
    if w.winfo_viewable() and w.winfo_class() in ("TEntry", "TLabel", "TButton", "TCheckbutton")
]""".replace("\n", " ")
PLACE = "({0}.winfo_rootx(), {0}.winfo_rooty(), {0}.winfo_width(), {0}.winfo_height())"
SCREEN = "root.winfo_screenwidth(), root.winfo_screenheight()"
Place = tuple[int, int, int, int]  # left, top, width and height in pixels


@pytest.fixture
def small_screen(display: None) -> Iterator[None]:
    """A screen of 480 by 320 pixels."""
    if not shutil.which("Xvfb"):
        pytest.skip("no Xvfb to have a small screen")
    near, far = os.pipe()
    command = ["Xvfb", "-displayfd", str(far), "-screen", "0", "480x320x24", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[far], stderr=subprocess.DEVNULL)
    os.close(far)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(near) as number:
        patch.setenv("DISPLAY", f":{number.readline().strip()}")
        yield
    server.kill()
    server.wait()


def is_inside(place: Place, around: Place) -> bool:
    left, top, width, height = place
    return (
        left >= around[0]
        and top >= around[1]
        and left + width <= around[0] + around[2]
        and top + height <= around[1] + around[3]
    )


def overlap(one: Place, other: Place) -> bool:
    return (
        max(one[0], other[0]) < min(one[0] + one[2], other[0] + other[2])
        and max(one[1], other[1]) < min(one[1] + one[3], other[1] + other[3])
    )  # fmt: skip


def assert_in_order(window: Opened, state: str) -> None:
    """No two widgets overlap, none is cut off, all are inside, and the dialog is on the screen."""
    window("root.update()")
    width, height = window(SCREEN)
    dialog = window(PLACE.format("dialog.top"))
    assert is_inside(dialog, (0, 0, width, height)), (state, dialog)
    widgets = {name: rest for name, *rest in window(EVERY_WIDGET)}
    places: dict[str, Place] = {name: tuple(rest[:4]) for name, rest in widgets.items()}
    for (name, one), (other_name, other) in combinations(places.items(), 2):
        assert not overlap(one, other), f"{state}: {name} {one} lies on {other_name} {other}"
    for name, (*_, got_wide, got_high, wide, high) in widgets.items():
        assert "entry" in name or (got_wide >= wide and got_high >= high), f"{state}: {name} is cut"
    around = window(PLACE.format("dialog.message.master"))
    scrolls = around[2] > dialog[2] or around[3] > dialog[3]
    assert not scrolls or dialog[3] > 0.7 * height, f"{state}: it scrolls, and there is room"
    for name, place in places.items():
        assert is_inside(place, around), f"{state}: {name} {place} is outside {around}"
        assert scrolls or is_inside(place, dialog), f"{state}: {name} {place} is outside {dialog}"


def walk_through_states(window: Opened, *rare: str) -> None:
    """Have the dialog ask for rare fields, one after the other, and complain of every field."""
    window.wait("dialog.open")
    shown = ["server", "port", "name"]
    assert_in_order(window, "at first")
    for field in ("", *rare):
        if field == "certificate":
            window("dialog.tls.get() or tls.invoke()")
            window("root.update()")
            assert_in_order(window, "TLS is ticked")
        shown += [field] * bool(field)  # who complains of it asks for it
        for wrong in reversed(shown if field else shown[:1]):
            for sentence in ("This is wrong.", LONG):
                window(f"dialog.complain({wrong!r}, {sentence!r})")
                assert_in_order(window, f"{wrong} is wrong, of {shown}")
                assert all(window(f"{one}.winfo_viewable()") for one in shown)
        window("dialog.tell('Connecting to the server…')")
        assert_in_order(window, f"connecting, of {shown}")


def enlarge(window: Opened, factor: float) -> None:
    """Make all named fonts larger, as Ctrl with + does."""
    window(
        "[root.tk.call('font', 'configure', f, '-size', round(int("
        f"root.tk.call('font', 'configure', f, '-size')) * {factor})) "
        "for f in root.tk.splitlist(root.tk.call('font', 'names'))] and None"
    )


RARE = [
    ("password", "tls", "certificate"),
    ("tls", "certificate", "password"),
    ("tls", "password", "certificate"),
]
DPI = {"96 dpi": 96, "192 dpi": 192}


@pytest.mark.parametrize(
    ("rare", "dpi", "factor"),
    slow_beyond(
        0, [(rare, dpi, factor) for dpi in DPI.values() for factor in (1, 1.5) for rare in RARE]
    ),
)
def test_nothing_overlaps_whatever_is_asked_for(
    open_window: OpenWindow, rare: tuple[str, ...], dpi: int, factor: float
) -> None:
    window = open_window(scaling=dpi / 72)
    enlarge(window, factor)
    walk_through_states(window, *rare)


@pytest.mark.slow
@pytest.mark.parametrize("dpi", DPI.values(), ids=DPI)
@pytest.mark.parametrize("factor", [1, 2])
def test_dialog_is_within_a_small_screen(
    small_screen: None, open_window: OpenWindow, dpi: int, factor: float
) -> None:
    window = open_window(scaling=dpi / 72)
    enlarge(window, factor)
    walk_through_states(window, *RARE[0])


@pytest.mark.slow
@pytest.mark.parametrize("dpi", DPI.values(), ids=DPI)
def test_all_of_it_is_reached_by_keyboard_on_a_small_screen(
    small_screen: None, open_window: OpenWindow, dpi: int
) -> None:
    window = open_window("--tls", scaling=dpi / 72)
    window("[dialog.complain('password', 'Wrong.'), server.focus_force()] and None")
    reached = []
    for _ in range(9):
        window("root.update()")
        reached.append(window("focus() or root.focus_get()['text']"))
        seen = window(PLACE.format("root.focus_get()")), window(PLACE.format("dialog.top"))
        assert is_inside(*seen), f"{reached[-1]} is not in sight: {seen}"
        window.press("Tab")
    fields = ["server", "port", "name", "password", "tls", "certificate"]
    assert reached == [*fields, "Choose…", "Join", "Cancel"]


@pytest.mark.slow
def test_dialog_follows_while_letters_are_enlarged(open_window: OpenWindow) -> None:
    window = open_window("--tls")
    window(f"dialog.complain('certificate', {LONG!r})")
    window("root.update()")
    before = window("dialog.top.winfo_height()")
    enlarge(window, 2)
    window.wait(f"dialog.top.winfo_height() > 1.5 * {before}")
    assert_in_order(window, "enlarged")
    enlarge(window, 0.5)
    window.wait(f"dialog.top.winfo_height() < 1.1 * {before}")
    assert_in_order(window, "as it was")
