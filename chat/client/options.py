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
        raise argparse.ArgumentTypeError(f"port {text!r} is no number from 1 to 65535")
    return int(text)


def split_address(text: str) -> tuple[str, int | None]:
    """Return the host and the port of HOST, HOST:PORT or [HOST]:PORT (RFC 3986, 3.2.2).

    The port is None where there is none: after an IPv6 address it needs the brackets. Raises
    ArgumentTypeError.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port_number(port)
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], None
    if not colon or ":" in host:
        return text, None
    return host, port_number(port)


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make a session, whatever shows it."""
    add = parser.add_argument
    add(
        "address",
        nargs="?",
        type=split_address,
        metavar="HOST",
        help="the machine with the server, or HOST:PORT (default: this one, 127.0.0.1)",
    )
    add(
        "number",
        nargs="?",
        type=port_number,
        metavar="PORT",
        help=f"its port (default: {protocol.PORT})",
    )
    add("--host", type=split_address, metavar="HOST", help="the same as HOST")
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
    """Return the options; `host` is empty where none was given, `port` has its default."""
    options = parser.parse_args(arguments)
    given = [address for address in (options.address, options.host) if address]
    hosts = {host for host, _ in given}
    ports = {options.number, options.port, *(port for _, port in given)} - {None}
    if len(hosts) > 1:
        parser.error("HOST and --host are two different hosts")
    if len(ports) > 1:
        parser.error("these are two different ports")
    if options.tls_ca and not options.tls:
        parser.error("--tls-ca goes with --tls")
    options.host = max(hosts, default="")  # the only one
    options.port = max(ports, default=protocol.PORT)
    return options


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of chat_client.py; where they are wrong, say so and end with exit code 2.

    Those of the window are in window/start.py.
    """
    parser = argparse.ArgumentParser(
        prog="chat_client.py",
        description="Talk to everyone at a chat_server.py. /help shows the commands.",
    )
    add_session_options(parser)
    parser.add_argument(
        "--no-color", action="store_true", help="no colours; NO_COLOR=1 does the same"
    )
    parser.add_argument(
        "--bell", action="store_true", help="ring when something is for you (default: off)"
    )
    parser.add_argument("--version", action="version", version=f"chat_client {protocol.VERSION}")
    options = parse_session_options(parser, arguments)
    options.host = options.host or DEFAULT_HOST
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
