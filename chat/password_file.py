"""A password that stands in a file, for either side. Knows files; does not know who wants it."""

from __future__ import annotations

from chat_protocol import check_password


def read_password(path: str) -> str:
    """Return the password in a file: the whole first line, without its end.

    Raises OSError, and ValueError (a UnicodeError is one too) when no client could send it.
    """
    with open(path, encoding="utf-8-sig") as file:
        return check_password(file.readline().rstrip("\r\n"))
