"""What the tests of a server under pressure share: limits, patience, and every selector."""

from __future__ import annotations

import sys

import pytest
from harness import Client

from chat.server.descriptors import SELECTORS

MIB = 1024 * 1024
NOTICEABLE_SECONDS = 1.0  # an answer that takes longer has waited for somebody else
ALL_SELECTORS = sorted(set(SELECTORS) - {"auto"})  # auto is one of the others
DEFAULT_SELECTOR = [
    pytest.param(name, marks=[] if name == "select" else pytest.mark.slow) for name in ALL_SELECTORS
]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2) and /proc")


def assert_served_promptly(client: Client, rounds: int = 20) -> None:
    """Check that requests are answered at once: within 100 ms, single ones within a second.

    Single ones may be late because this machine is busy, not because the server is.
    """
    seconds = sorted(client.round_trip() for _ in range(rounds))
    assert seconds[rounds // 2] < 0.1
    assert seconds[-1] < 1


def allow_descriptors(count: int) -> None:
    """Let this process, the tests' own, open so many sockets, or skip the test."""
    if sys.platform == "win32":
        return  # it has no such limit
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            pytest.skip(f"this process may not have {count} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def set_descriptor_limit(pid: int, count: int) -> None:
    """Change how many descriptors a running process may have (Linux)."""
    import resource

    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))
