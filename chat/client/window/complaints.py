"""What the dialog says of an error: which of its fields is to be corrected, and what to do there.

Knows the codes of errors; an error's own sentence may speak of a command line, or of nothing that
a newcomer could do, and is replaced where it does.
"""

from __future__ import annotations

from chat.client.faults import Fault
from chat.client.lines import Line
from chat_protocol import ErrorCode

FIELDS: dict[str, str] = {
    Fault.UNREACHABLE: "server",
    Fault.WRONG_PORT: "port",
    ErrorCode.BAD_FRAME: "port",  # it speaks another protocol
    Fault.OTHER_HOST: "server",
    Fault.UNTRUSTED: "certificate",
    Fault.BAD_CERTIFICATE: "certificate",
    ErrorCode.TLS_REQUIRED: "tls",
    # No other answer lets us in there: another server does, or the same one later.
    ErrorCode.SERVER_FULL: "server",
    ErrorCode.REMOVED: "server",
    ErrorCode.LOCKED: "server",
    ErrorCode.PASSWORD_REQUIRED: "password",
    ErrorCode.BAD_PASSWORD: "password",
    ErrorCode.BAD_NAME: "name",
    ErrorCode.NAME_TAKEN: "name",
}
SENTENCES: dict[str, str] = {
    ErrorCode.TLS_REQUIRED: "This server speaks TLS only: tick TLS, and join again.",
    ErrorCode.LOCKED: "The door of this server is locked: nobody new is let in for now. Ask "
    "whoever runs it, or join again later.",
    ErrorCode.REMOVED: "{said}\nAsk whoever runs this server before you join again.",
    Fault.UNTRUSTED: "The server's certificate is trusted by nobody here: choose the file that the "
    "teacher handed out.",
}
OTHER_FILE = (
    "The server's certificate is not the one in this file: choose the file that the teacher handed "
    "out, and see that the server is the right one."
)


def complaint(error: Line, *, asked: str, certificate: str) -> tuple[str, str]:
    """Return the field to correct, and a sentence.

    `asked` is the field that the server asks for now: what it says with a code of no field of its
    own is about that. `certificate` is the file that was chosen; empty where none was.
    """
    if error.code == Fault.UNTRUSTED and certificate:
        return "certificate", OTHER_FILE
    sentence = SENTENCES.get(error.code, "{said}").replace("{said}", error.text)
    return FIELDS.get(error.code, asked), sentence


def why_no_certificate(error: OSError | ValueError) -> str:
    """Say in a sentence what is wrong with the file that was chosen for the certificate."""
    if isinstance(error, FileNotFoundError | ValueError):  # it cannot be a file's name
        return "There is no such file: choose the server's certificate."
    if hasattr(error, "reason"):  # an ssl.SSLError
        return "That file holds no certificate: choose the server's."
    return f"That file cannot be read ({error.strerror}): choose the server's certificate."
