"""TLS on the client's side: the certificate is checked, and a stream encrypts and decrypts.

Knows OpenSSL and sockets; knows no frames. Who encrypts nothing never imports ssl.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from chat.client.faults import Fault

if TYPE_CHECKING:
    import ssl  # at run time load_tls() imports it, for those who need it

READ, WRITE = 1, 2  # what TLS may have to wait for


def load_tls(trusted: str | None) -> ssl.SSLContext:
    """Return what a client needs for TLS 1.2 and later; certificate and name are always checked.

    Raises OSError.
    """
    global ssl
    import ssl

    context = ssl.create_default_context(cafile=trusted)  # it checks both in every handshake
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class TLSStream:
    """A connected socket behind TLS: the same few methods, none of which waits.

    TLS may have to read in order to write, and the reverse; so ask `watched()` what to have
    select() watch, and `possible()` what to do about its answer. `host` is what the certificate
    has to be made for. Raises OSError and ValueError.
    """

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = context.wrap_socket(
            connection, server_hostname=host, do_handshake_on_connect=False
        )
        self._awaits = 0  # READ or WRITE where TLS waits for just that, whatever it is to do

    def shake_hands(self) -> bool:
        """Go on with the handshake as far as that is possible by now; return whether it is done.

        Raises OSError and ValueError, also where the certificate is not to be trusted.
        """
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._awaits = READ
        except ssl.SSLWantWriteError:
            self._awaits = WRITE
        else:
            return True
        return False

    def watched(self, reads: bool, writes: bool) -> tuple[bool, bool]:
        """Return what to watch the socket for in order to read, and to write, if that is wanted."""
        if self._awaits:
            return self._awaits == READ, self._awaits == WRITE
        return reads, writes

    def possible(self, readable: bool, writable: bool) -> tuple[bool, bool]:
        """Return whether to read, and whether to write, now that the socket can do this."""
        if self._awaits and (readable or writable):
            self._awaits = 0
            return True, True
        return readable, writable

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Return what has come, `size` bytes at a time; none at the end. Raises OSError."""
        try:
            data = self._socket.recv(size)
            # OpenSSL may hold decrypted bytes back that select() does not see: take them now.
            while self._socket.pending():
                data += self._socket.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise self._blocked(error, usual=READ) from None
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Send some of `data`; return how many bytes of it were taken. Raises OSError."""
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise self._blocked(error, usual=WRITE) from None

    def _blocked(self, error: ssl.SSLError, usual: int) -> BlockingIOError:
        """Note what is waited for where that is not the `usual` event."""
        wanted = READ if isinstance(error, ssl.SSLWantReadError) else WRITE
        self._awaits = 0 if wanted == usual else wanted
        return BlockingIOError()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


# What OpenSSL calls the first bytes of a plain server, which are digits.
NO_TLS_REASONS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
# What OpenSSL's verification says, by its number: x509_vfy.h, X509_V_ERR_…
CERTIFICATE_ERRORS = {
    9: "is not valid yet; is the clock of this machine right?",
    10: "has expired; the server needs a new one",
    **dict.fromkeys(
        (18, 19, 20, 21),
        "is trusted by nobody here: give the file that the teacher handed out with --tls-ca",
    ),
    62: "is for another name; use the name or address that it was made for",
    64: "is for another address; use the name or address that it was made for",
}
CERTIFICATE_FAULTS = {
    **dict.fromkeys((18, 19, 20, 21), Fault.UNTRUSTED),
    **dict.fromkeys((62, 64), Fault.OTHER_HOST),
}


def tls_fault(error: OSError | ValueError) -> Fault:
    """Return what kept the TLS handshake from its end."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_FAULTS.get(error.verify_code, Fault.BAD_CERTIFICATE)
    return Fault.WRONG_PORT


def why_no_tls(error: OSError | ValueError, host: str) -> str:
    """Say in a sentence why the TLS handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = CERTIFICATE_ERRORS.get(error.verify_code, f"is refused: {error.verify_message}")
        return f"The certificate of {host} {reason}."
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS_REASONS:
        return f"{host} does not speak TLS there, or is full: check the port, or try again later."
    return f"No TLS connection to {host}: {getattr(error, 'strerror', None) or error}."
