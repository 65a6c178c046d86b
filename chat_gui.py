"""The same client behind a window: Tk from the standard library.

Starts the window; its parts are in chat/client/window/. The conversation in it is that of
chat_client.py, only the loop is another: here it is Tk's.
"""

from __future__ import annotations

import sys

from chat.client.window.start import main

if __name__ == "__main__":
    sys.exit(main())
