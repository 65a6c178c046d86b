"""The same client behind a window: Tk from the standard library.

Starts the window; its parts are in chat/client/window/. The conversation in it is that of
chat_client.py, only the loop is another: here it is Tk's.
"""

from __future__ import annotations

import signal
import sys

if sys.version_info < (3, 10):  # noqa: UP036 (there are older ones)
    sys.exit(f"chat_gui: Python {sys.version.split()[0]} is too old: install 3.10 or later.")
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Ctrl+C while the rest is imported, and until there is a window, ends the program quietly.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

try:
    from chat.client.window.start import main

    if __name__ == "__main__":
        sys.exit(main())  # which imports the rest
except ModuleNotFoundError as error:
    if str(error.name).split(".")[0] not in ("chat", "chat_protocol"):
        raise  # it is none of ours
    sys.exit(f"chat_gui: its part {error.name} is missing: unpack or copy the whole folder.")
