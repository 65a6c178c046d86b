"""What both sides need of the system: how a peer that vanished is found, how a signal arrives."""

from __future__ import annotations

import select
import signal
import socket

from harness import DEADLINE

from chat.sockets import KEEPALIVE_OPTIONS, catch_signals


def test_a_vanished_peer_is_found_within_two_minutes() -> None:
    options = KEEPALIVE_OPTIONS
    silence = options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"]
    assert silence <= 120
    assert options["TCP_KEEPALIVE"] == options["TCP_KEEPIDLE"]
    assert options["TCP_USER_TIMEOUT"] <= 120_000


def test_a_signal_arrives_as_a_byte() -> None:
    before = signal.getsignal(signal.SIGTERM)
    signals = catch_signals([signal.SIGTERM])
    try:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert select.select([signals], [], [], DEADLINE)[0]
        assert signals.recv(16) == bytes([signal.SIGTERM]) * 2
    finally:
        descriptor = signal.set_wakeup_fd(-1)
        socket.socket(fileno=descriptor).close()
        signals.close()
        signal.signal(signal.SIGTERM, before)
