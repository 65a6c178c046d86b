"""What a client is told on its command line, whatever shows the conversation.

Knows options and their files; what is done with them is for others.
"""

from __future__ import annotations

import argparse

import chat_protocol as protocol
from chat_protocol import ProtocolError

DEFAULT_HOST = "127.0.0.1"


def port_number(text: str) -> int:
    """Return a port from the command line. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 65535")
    return int(text)


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make a session, whatever shows it."""
    add = parser.add_argument
    add(
        "address",
        nargs="?",
        metavar="HOST",
        help="the machine with the server (default: this one, 127.0.0.1)",
    )
    add(
        "number",
        nargs="?",
        type=port_number,
        metavar="PORT",
        help=f"its port (default: {protocol.PORT})",
    )
    add("--host", metavar="HOST", help="the same as HOST")
    add("--port", type=port_number, metavar="PORT", help="the same as PORT")
    add("--name", metavar="NAME", default="", help="your name in the chat (default: asks for it)")
    add(
        "--password-file",
        metavar="FILE",
        help="send the password in this file (default: asks for it where one is wanted)",
    )
    add(
        "--tls",
        action="store_true",
        help="speak TLS; the certificate is always checked (default: off)",
    )
    add(
        "--tls-ca",
        metavar="FILE",
        help="trust the certificates in this file (default: those that the system trusts)",
    )
    add("--wire", action="store_true", help="show every frame as it travels (default: off)")


def parse_session_options(
    parser: argparse.ArgumentParser, arguments: list[str] | None
) -> argparse.Namespace:
    """Return the options; `host` stays None where none was given, `port` has its default."""
    options = parser.parse_args(arguments)
    if None not in (options.address, options.host) and options.address != options.host:
        parser.error("HOST and --host are two different hosts")
    if None not in (options.number, options.port) and options.number != options.port:
        parser.error("PORT and --port are two different ports")
    if options.tls_ca and not options.tls:
        parser.error("--tls-ca goes with --tls")
    options.host = options.host or options.address
    options.port = options.port or options.number or protocol.PORT
    return options


def login_name() -> str:
    """Return the name this person has on this machine, if it can be one in the chat."""
    import getpass

    try:
        return protocol.check_name(getpass.getuser())
    except (ImportError, KeyError, OSError, ProtocolError):
        return ""


def why_not_loaded(error: OSError | ValueError, options: argparse.Namespace) -> str:
    """Say in a sentence what is wrong with the password's or the certificates' file."""
    if not isinstance(error, OSError):  # a UnicodeError is a ValueError too
        return f"{options.password_file} holds no password: {error}."
    if error.filename:
        return f"cannot read {error.filename}: {error.strerror}."
    # ssl names no file
    return f"cannot take certificates from {options.tls_ca}: {error.strerror or error}."
