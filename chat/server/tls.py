"""TLS on the server's side: a stream that encrypts, and the certificate that it shows.

Knows OpenSSL and sockets; knows no frames. Who encrypts nothing never imports ssl.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from chat_protocol import ErrorCode, ProtocolError

if TYPE_CHECKING:
    import ssl  # at run time load_context() imports it, for those servers that need it

PIECE_SIZE = 4 * 1024  # bytes that OpenSSL is given at a time: a hundred records that hold nothing


def load_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what a server needs to speak TLS 1.2 and later. Raises OSError."""
    global ssl
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class TLSStream:
    """A connection's socket behind TLS, with the face of a plain one; see stream.py.

    OpenSSL never touches the socket: it is handed a piece of what has arrived, and what it wants
    to send is taken from it and sent when the kernel has room. So it never waits, and never works
    for long: a client may send thousands of records that carry nothing (RFC 8446, 4.6.3).
    """

    def __init__(self, client: socket.socket, context: ssl.SSLContext) -> None:
        self._socket = client
        self._context = context
        self._begun = False  # the client has sent something, be it TLS or not
        self._tls: ssl.SSLObject | None = None  # once the client's first byte has shown TLS
        self._arrived = ssl.MemoryBIO()  # encrypted, for OpenSSL
        self._produced = ssl.MemoryBIO()  # encrypted, by OpenSSL
        self._encrypted = 0  # bytes that send() was given and that are, encrypted, on their way
        self.unsent = b""  # encrypted, for the kernel
        self.ended = False  # the client has said that nothing more comes: TLS's close_notify

    @property
    def is_opening(self) -> bool:
        """Whether the handshake is still to be finished: until then nothing else can go out."""
        return not self._tls.version() if self._tls else not self._begun

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Take up to `size` bytes and return all that they decrypt to: OpenSSL keeps none back.

        The handshake is part of it. Raises BlockingIOError while there is nothing, OSError when
        the connection is broken, and ProtocolError (TLS_REQUIRED) for a client that does not
        speak TLS.
        """
        arrived = self._socket.recv(min(size, PIECE_SIZE))
        if not arrived:
            self._begun = True  # it is no use to wait for TLS any more
        elif not self._begun:
            self._begin(arrived)
        if not arrived or not self._tls:
            return arrived
        self._arrived.write(arrived)
        try:
            if self.is_opening:
                self._tls.do_handshake()
            return self._decrypt(self._tls)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        finally:
            with suppress(OSError):  # what it cannot take any more keeps nobody from reading on
                self.flush()  # our part of the handshake, or what OpenSSL has to complain of

    def _begin(self, arrived: bytes) -> None:
        """Look at the first byte before the handshake takes it: 22 begins one (RFC 8446, 5.1)."""
        self._begun = True
        if not arrived.startswith(b"\x16"):
            sentence = "This server speaks TLS only: python chat_client.py --tls"
            raise ProtocolError(ErrorCode.TLS_REQUIRED, sentence, closes="does not speak TLS")
        self._tls = self._context.wrap_bio(self._arrived, self._produced, server_side=True)

    def _decrypt(self, tls: ssl.SSLObject) -> bytes:
        pieces = []
        try:
            while piece := tls.read(PIECE_SIZE):
                pieces.append(piece)
            self.ended = True
        except OSError as error:  # no whole record is left, or one that is broken
            if not pieces:
                raise
            self.ended = not isinstance(error, ssl.SSLWantReadError)
        return b"".join(pieces)

    def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`; return how many bytes of it the kernel has taken, encrypted.

        What is encrypted can only be sent as it is. So when the kernel is full, the bytes behind
        those that it took are expected again, though more may follow them: an outbox does just
        that. Raises BlockingIOError where it took none of them, and OSError.
        """
        if not self._begun:
            raise BlockingIOError  # nobody knows yet whether it speaks TLS
        if not self._tls:
            return self._socket.send(data)
        rest = memoryview(data)
        while rest:
            if not self._encrypted:
                try:
                    self._encrypted = self._tls.write(rest[:PIECE_SIZE])
                except ssl.SSLWantReadError:
                    break  # still shaking hands
            self.flush()
            if self.unsent:
                break
            rest, self._encrypted = rest[self._encrypted :], 0
        if len(rest) == len(data):
            raise BlockingIOError
        return len(data) - len(rest)

    def flush(self) -> None:
        """Send what is encrypted, as far as the kernel takes it. Raises OSError."""
        self.unsent += self._produced.read()
        try:
            while self.unsent:
                self.unsent = self.unsent[self._socket.send(self.unsent) :]
        except (BlockingIOError, InterruptedError):
            pass  # select() tells when there is room again

    def end_output(self) -> None:
        """Tell the client that nothing more comes: TLS's close_notify, then TCP's FIN.

        Raises BlockingIOError while there is no room for that.
        """
        if self._tls:
            try:
                self._tls.unwrap()
            except (OSError, ValueError):
                pass  # the client's own close_notify need not be waited for (RFC 8446, 6.1)
            self.flush()
            if self.unsent:
                raise BlockingIOError
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
