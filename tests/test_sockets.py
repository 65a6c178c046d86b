"""What both sides need of the system: how a peer that vanished is found, how a signal arrives."""

from __future__ import annotations

import select
import signal
import socket

from harness import DEADLINE, posix_only

from chat.sockets import KEEPALIVE_OPTIONS, catch_signals


def test_a_vanished_peer_is_found_within_two_minutes() -> None:
    options = KEEPALIVE_OPTIONS
    silence = options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"]
    assert silence <= 120
    assert options["TCP_KEEPALIVE"] == options["TCP_KEEPIDLE"]
    assert options["TCP_USER_TIMEOUT"] <= 120_000


@posix_only
def test_a_signal_arrives_as_a_byte() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    signals = catch_signals([signal.SIGUSR1])
    try:
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR1)
        assert select.select([signals], [], [], DEADLINE)[0]
        assert signals.recv(16) == bytes([signal.SIGUSR1]) * 2
    finally:
        descriptor = signal.set_wakeup_fd(-1)
        socket.socket(fileno=descriptor).close()
        signals.close()
        signal.signal(signal.SIGUSR1, before)
