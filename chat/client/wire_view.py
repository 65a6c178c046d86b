"""What travels, made visible: --wire shows every frame, and the reads that TCP cut otherwise.

Knows frames; knows neither the connection nor what a frame means.
"""

from __future__ import annotations

import chat_protocol as protocol
from chat.client.lines import Kind, Lines


class WireView:
    """Is told what travels, and shows it."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def sent(self, payload: str) -> None:
        """Show a frame that was sent."""
        self._lines.show(Kind.WIRE, f"→ {protocol.show_frame(payload.encode())}")

    def read(self, waiting: bytes, data: bytes) -> None:
        """Show what a read really returned where TCP has cut it otherwise than into frames.

        `waiting` is what was there before it.
        """
        if shown := protocol.show_read(waiting, data):
            self._lines.show(Kind.WIRE, f"← {shown}")

    def received(self, payload: bytes) -> None:
        """Show a frame that has come."""
        self._lines.show(Kind.WIRE, f"← {protocol.show_frame(payload)}")
