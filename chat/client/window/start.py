"""The start: what the command line says, and a window where there can be one.

Knows what can be missing, Tk itself first of all, and says it in a sentence.
"""

from __future__ import annotations

import argparse
import signal
import sys

from chat.client.options import (
    DEFAULT_HOST,
    add_session_options,
    parse_session_options,
    why_not_loaded,
)
from chat.password_file import read_password
from chat_protocol import VERSION

NO_TK = (
    "this Python has no Tk: install it (Debian, Ubuntu: apt install python3-tk; Fedora: dnf "
    'install python3-tkinter; Homebrew: brew install python-tk; Windows: tick "tcl/tk" in '
    "Python's setup), or use chat_client.py."
)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chat_gui.py",
        description="Talk to everyone at a chat_server.py, in a window. /help shows the commands.",
    )
    add_session_options(parser)
    parser.add_argument("--version", action="version", version=f"chat_gui {VERSION}")
    parser.set_defaults(password="")  # until main() has read the file
    options = parse_session_options(parser, arguments)
    options.at_once = bool(options.host and options.name)
    options.host = options.host or DEFAULT_HOST
    return options


def sharp_on_windows() -> None:
    """Tell Windows that we scale ourselves; else it enlarges a small picture of the window."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.OleDLL("shcore").SetProcessDpiAwareness(1)
        except (AttributeError, OSError):
            pass  # an old Windows


def main(arguments: list[str] | None = None) -> int:
    """Run the window client. Returns the exit code."""
    options = parse_arguments(arguments)
    try:
        import tkinter  # not before: --help works without it
    except ImportError:
        print(f"chat_gui: {NO_TK}", file=sys.stderr)
        return 1
    from chat.client.window.window import Window  # it and its parts all stand on Tk

    try:
        options.password = read_password(options.password_file) if options.password_file else ""
    except (OSError, ValueError) as error:
        print(f"chat_gui: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    sharp_on_windows()
    try:
        root = tkinter.Tk(className="Chat")
    except tkinter.TclError as error:
        print(
            f"chat_gui: no window can be opened here ({error}): start it on a desktop, or use "
            "chat_client.py.",
            file=sys.stderr,
        )
        return 1
    window = Window(root, options)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: window.close())
    root.mainloop()
    return 0
