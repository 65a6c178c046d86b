"""The descriptors: how many this process may have and its selector can watch, hence the places.

Knows the system and the selectors; does not know what the descriptors are for.
"""

from __future__ import annotations

import errno
import selectors
import sys

# select(2) cannot watch a descriptor of this number or above; it is compiled into the system.
# Windows counts sockets instead, and CPython builds it with 512.
FD_SETSIZE = 512 if sys.platform == "win32" else 1024
# Kept back from the people: standard streams, listeners, the signal pair, epoll's own descriptor,
# one to refuse newcomers with, and a few for whatever the system opens behind our back.
RESERVED_DESCRIPTORS = 16

# What accept(2) says when the process, the system or its memory has no descriptor to give.
NONE_IS_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
TOO_MANY_DESCRIPTORS = (
    "whoever started this left it so many open files that hardly a number is free below "
    f"{FD_SETSIZE}, where select() ends; close some, or start it with --selector auto."
)

SELECTORS: dict[str, type[selectors.BaseSelector]] = {
    name: getattr(selectors, class_name)
    for name, class_name in (
        ("select", "SelectSelector"),
        ("auto", "DefaultSelector"),
        ("poll", "PollSelector"),
        ("epoll", "EpollSelector"),
        ("kqueue", "KqueueSelector"),
    )
    if hasattr(selectors, class_name)
}


def places(selector: selectors.BaseSelector) -> int:
    """Return how many clients there can be at a time; raises the process's own limit first."""
    limit = descriptor_limit()
    if isinstance(selector, selectors.SelectSelector):
        limit = min(limit, FD_SETSIZE)
    return max(1, limit - RESERVED_DESCRIPTORS)


def descriptor_limit() -> int:
    """Return how many descriptors this process may have, once it has asked for all it can get."""
    try:
        import resource
    except ImportError:
        return sys.maxsize  # Windows has no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    except (OSError, ValueError):
        pass  # macOS says "unlimited" and does not mean it
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def can_watch(selector: selectors.BaseSelector, descriptor: int) -> bool:
    """Whether a selector can watch a descriptor of this number.

    A program that started us may have left us descriptors: then numbers run out before places.
    """
    return (
        sys.platform == "win32"
        or descriptor < FD_SETSIZE
        or not isinstance(selector, selectors.SelectSelector)
    )
