"""Fixtures: a screen to open windows on, and windows that are closed with their test.

The display is an X server of its own (Xvfb) where there is one, so that no window comes up on
anybody's desk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ServerProcess

from .opened import Opened, OpenWindow, join


@pytest.fixture(scope="package")
def display() -> Iterator[None]:
    """A screen to open windows on."""
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tk")
    if not shutil.which("Xvfb"):
        try:
            tkinter.Tk().destroy()
        except tkinter.TclError as error:
            pytest.skip(f"no Xvfb, and no other display: {error}")
        yield
        return
    near, far = os.pipe()
    command = ["Xvfb", "-displayfd", str(far), "-screen", "0", "1600x1200x24", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[far], stderr=subprocess.DEVNULL)
    os.close(far)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(near) as number:
        patch.setenv("DISPLAY", f":{number.readline().strip()}")
        yield
    server.kill()
    server.wait()


@pytest.fixture
def open_window(display: None, tmp_path: Path) -> Iterator[OpenWindow]:
    """A function that opens a window with the arguments given."""
    windows: list[Opened] = []

    def open_one(*arguments: str, **settings: float) -> Opened:
        faults = tmp_path / f"faults{len(windows)}"
        windows.append(Opened(faults, *arguments, **settings))
        return windows[-1]

    yield open_one
    for window in windows:
        window.close()


@pytest.fixture
def alice(open_window: OpenWindow, server: ServerProcess) -> Opened:
    """A window that is in the conversation as alice."""
    return join(open_window, server)
