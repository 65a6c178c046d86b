"""The same client behind a window: Tk from the standard library.

Starts the window; its parts are in chat/client/window/. The conversation in it is that of
chat_client.py, only the loop is another: here it is Tk's.
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Ctrl+C while the rest is imported, and until there is a window, ends the program quietly.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys

from chat.client.window.start import main

if __name__ == "__main__":
    sys.exit(main())
