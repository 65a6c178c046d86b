"""What kept a connection from coming about, as a code.

The sentence that goes with it is for the person; the code is for programs, as an ERROR frame's is.
"""

from __future__ import annotations

import enum


class Fault(str, enum.Enum):
    """Why there is no connection to a chat server."""

    UNREACHABLE = "UNREACHABLE"  # no machine of that name or number answers
    WRONG_PORT = "WRONG_PORT"  # nothing listens there, or something that is no chat server
    UNTRUSTED = "UNTRUSTED"  # the certificate, by all that we trust
    OTHER_HOST = "OTHER_HOST"  # the certificate is for another name or address
    BAD_CERTIFICATE = "BAD_CERTIFICATE"  # for another reason: it has expired, say
