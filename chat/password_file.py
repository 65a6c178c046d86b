"""A password that stands in a file, for either side. Knows files; does not know who wants it."""

from __future__ import annotations

import codecs

from chat_protocol import check_password

FILE_SIZE = 64 * 1024  # bytes: more than any password has; the rest of the file is not looked at


def read_password(path: str) -> str:
    """Return the password in a file: its first line, without blanks at the line's end.

    Nobody sees those, and `echo word > file` on Windows writes one. PowerShell's `>` writes UTF-16,
    which begins with a byte order mark; other files are UTF-8, with or without one. Raises OSError,
    and ValueError (a UnicodeError is one too) when no client could send it.
    """
    with open(path, "rb") as file:
        data = file.read(FILE_SIZE)
    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf_16 else "utf-8-sig"
    text = codecs.getincrementaldecoder(encoding)().decode(data)  # it may end within a character
    return check_password(text.partition("\n")[0].rstrip())
