"""Clients of TLS: raw sockets that shake hands, whole or as the test likes, and a room of them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from harness import Certificate, Client, ServerProcess, frames, wait_until

from chat_protocol import MAX_PAYLOAD_SIZE

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
PATIENT_BACKLOG = ("--max-backlog", "65536")  # KiB: a slow reader is waited for, not cut off


def trusting(certificate: Certificate, version: str = "") -> ssl.SSLContext:
    """Return what a client needs that trusts this certificate, and speaks just this version."""
    context = ssl.create_default_context(cafile=certificate.file)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


class TLSClient(Client):
    """A raw socket that speaks frames over TLS, and takes an end without close_notify for none."""

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, *, receive_buffer: int = 0
    ) -> None:
        super().__init__(address, receive_buffer=receive_buffer)
        self.tls = context.wrap_socket(
            self.socket, server_hostname=address[0], suppress_ragged_eofs=False
        )
        self.socket = self.tls

    def read_some(self, size: int) -> list[str]:
        """Return the payloads that are whole with the next `size` bytes, if any are there."""
        try:
            self._reader.feed(self.tls.recv(size))
        except ssl.SSLWantReadError:
            pass  # nothing there yet
        return [payload.decode() for payload in self._reader]

    def write_some(self, data: memoryview) -> memoryview:
        """Send as much of `data` as is taken; return the rest."""
        try:
            return data[self.tls.send(data[:20_000]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return data


class Handshake:
    """A client's side of a TLS handshake whose bytes the test carries to the server itself."""

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, *, receive_buffer: int = 0
    ) -> None:
        self.client = Client(address, receive_buffer=receive_buffer)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])

    def flights(self) -> Iterator[bytes]:
        """Yield what the client says: first its hello, then what answers the server's."""
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            if flight := self._outgoing.read():
                yield flight
            elif not done:
                self._incoming.write(self.client.socket.recv(65536))

    def send_only(self, size: int) -> bool:
        """Send the first `size` bytes of the handshake; return whether that was less than all."""
        for flight in self.flights():
            self.client.send_bytes(flight[:size])
            if size < len(flight):
                return True
            size -= len(flight)
        return False

    def ask(self, payload: str) -> str:
        """After the handshake: send a request, return the first payload of the answer."""
        self._tls.write(frames(payload))
        self.client.send_bytes(self._outgoing.read())
        while not (data := self._decrypted()):
            self._incoming.write(self.client.socket.recv(65536))
        return data.decode()[4:]

    def _decrypted(self) -> bytes:
        try:
            return self._tls.read()
        except ssl.SSLWantReadError:
            return b""


class TLSRoom:
    """A server that speaks TLS, and the people of one test."""

    def __init__(self, server: ServerProcess, certificate: Certificate) -> None:
        self.server = server
        self.certificate = certificate
        self.address = (server.host, server.port)
        self._context = trusting(certificate)
        self._clients: list[Client] = []
        self._observer = self.connect()

    def connect(self, name: str = "", version: str = "", *, receive_buffer: int = 0) -> TLSClient:
        """Connect somebody, who gets a name if one is given."""
        context = trusting(self.certificate, version) if version else self._context
        client = TLSClient(self.address, context, receive_buffer=receive_buffer)
        self._clients.append(client)
        if name:
            client.name(name)
        return client

    def people(self, *names: str) -> list[TLSClient]:
        """Connect people who have names and have heard of one another's coming."""
        people: list[TLSClient] = []
        for name in names:
            newcomer = self.connect(name)
            for earlier in people:
                earlier.expect(f"JOINED {name}")
            people.append(newcomer)
        return people

    def plain(self) -> Client:
        """Connect somebody who does not speak TLS."""
        self._clients.append(Client(self.address))
        return self._clients[-1]

    def handshake(self, version: str = "") -> Handshake:
        """Connect somebody whose handshake the test carries."""
        handshake = Handshake(self.address, trusting(self.certificate, version))
        self._clients.append(handshake.client)
        return handshake

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for client in self._clients:
            if client is not self._observer:
                client.close()
        wait_until(lambda: self._observer.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        self._observer.close()


def large_texts(count: int, head: str) -> list[str]:
    """Return different texts of ASCII that fill a frame to its last byte, once `head` is there."""
    return [str(number).ljust(MAX_PAYLOAD_SIZE - len(head), "x") for number in range(count)]
