"""Records of TLS that carry nothing: they hold up nobody, take no memory and hide no departure.

The ssl module cannot make them; the library behind it can.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import re
import select
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from encrypted import TLSClient, TLSRoom, trusting
from harness import DEADLINE, KERNEL_SIZE

from .pressure import NOTICEABLE_SECONDS


def libraries_of_openssl() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    found = ctypes.util.find_library("ssl"), ctypes.util.find_library("crypto")
    if sys.platform == "win32":  # those that this Python has loaded
        found = "libssl-3", "libcrypto-3"
    if None not in found:
        with suppress(OSError):
            return ctypes.CDLL(found[0]), ctypes.CDLL(found[1])
    pytest.skip("needs the libraries of openssl")


def key_updates(socket_: socket.socket, count: int, *, to_be_answered: bool) -> bytes:
    """Shake hands over a socket, and return many records that only announce new keys.

    RFC 8446, 4.6.3: the other side may be asked for new keys as well. The ssl module cannot make
    them; the library behind it can.
    """
    tls, crypto = libraries_of_openssl()
    for function in (tls.TLS_client_method, tls.SSL_CTX_new, tls.SSL_new):
        function.restype = ctypes.c_void_p
    for function in (crypto.BIO_new, crypto.BIO_s_mem):
        function.restype = ctypes.c_void_p
    pointer = ctypes.c_void_p
    stream = pointer(tls.SSL_new(pointer(tls.SSL_CTX_new(pointer(tls.TLS_client_method())))))
    arrived, produced = (pointer(crypto.BIO_new(pointer(crypto.BIO_s_mem()))) for _ in range(2))
    tls.SSL_set_bio(stream, arrived, produced)
    tls.SSL_set_connect_state(stream)
    buffer = ctypes.create_string_buffer(65536)

    def take() -> bytes:
        taken = bytearray()
        while (size := crypto.BIO_read(produced, buffer, len(buffer))) > 0:
            taken += buffer.raw[:size]
        return bytes(taken)

    while tls.SSL_do_handshake(stream) != 1:
        socket_.sendall(take())
        data = socket_.recv(65536)
        crypto.BIO_write(arrived, data, len(data))
    socket_.sendall(take())
    for _ in range(count):
        assert tls.SSL_key_update(stream, int(to_be_answered)) == 1
        assert tls.SSL_do_handshake(stream) == 1
    return take()


def sealed(secret: bytes, number: int, kind: int, data: bytes) -> bytes:
    """Return a client's `number`th record of any kind (RFC 8446, 5.2): AES-256 in GCM, SHA-384."""
    crypto = libraries_of_openssl()[1]
    crypto.EVP_CIPHER_CTX_new.restype = crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p

    def derived(label: bytes, size: int) -> bytes:  # HKDF-Expand-Label, 7.1
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0" + b"\1"
        return hmac.digest(secret, info, "sha384")[:size]

    nonce = int.from_bytes(derived(b"iv", 12), "big") ^ number
    plain = data + bytes([kind])
    header = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2, "big")
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
    size = ctypes.byref(ctypes.c_int())
    text, tag = ctypes.create_string_buffer(len(plain)), ctypes.create_string_buffer(16)
    key = derived(b"key", 32)
    crypto.EVP_EncryptInit_ex(context, cipher, None, key, nonce.to_bytes(12, "big"))
    crypto.EVP_EncryptUpdate(context, None, size, header, len(header))
    crypto.EVP_EncryptUpdate(context, text, size, plain, len(plain))
    crypto.EVP_EncryptFinal_ex(context, tag, size)
    crypto.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag)  # EVP_CTRL_AEAD_GET_TAG
    crypto.EVP_CIPHER_CTX_free(context)
    return header + text.raw + tag.raw


def test_who_goes_within_a_message_of_tls_itself_has_left(
    tls_room: TLSRoom, tmp_path: Path
) -> None:
    """Half a KeyUpdate: OpenSSL says nothing more until it has the rest."""
    libraries_of_openssl()
    alice = tls_room.connect("alice")
    context = trusting(tls_room.certificate, "1.3")
    context.keylog_filename = str(tmp_path / "keys")
    bob = TLSClient(tls_room.address, context)
    bob.name("bob")  # the first record
    alice.expect("JOINED bob")
    assert bob.tls.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
    (found,) = re.findall(r"CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)", (tmp_path / "keys").read_text())
    secret = bytes.fromhex(found)
    requests = sealed(secret, 1, 23, b"0000" * 800)  # answered with more than may wait for it
    # Past the ssl module, for these are records already.
    socket.socket.sendall(bob.tls, requests + sealed(secret, 2, 22, b"\x18\0\0\1"))
    alice.round_trip()
    bob.close()
    alice.expect("LEFT bob")


@pytest.mark.slow
def test_records_that_carry_nothing_hold_up_nobody(tls_room: TLSRoom) -> None:
    """One read of OpenSSL's own would work all of them off before it returns: two seconds."""
    alice = tls_room.connect("alice")
    flooder = tls_room.plain().socket
    flooder.settimeout(DEADLINE)
    flood = key_updates(flooder, 300_000, to_be_answered=False)
    sending = threading.Thread(target=flooder.sendall, args=[flood])
    sending.start()
    longest = 0.0
    while sending.is_alive():
        longest = max(longest, alice.round_trip())
    assert longest < NOTICEABLE_SECONDS
    sending.join()


@pytest.mark.slow
def test_answers_that_nobody_reads_do_not_pile_up(tls_room: TLSRoom) -> None:
    """A server that reads on would have an answer waiting for every record that came."""
    alice = tls_room.connect("alice")
    flooder = tls_room.plain().socket
    flooder.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    flood = key_updates(flooder, 300_000, to_be_answered=True)
    assert len(flood) > KERNEL_SIZE
    flooder.setblocking(False)
    while flood and select.select([], [flooder], [], 0.5)[1]:
        flood = flood[flooder.send(flood) :]
        alice.round_trip()
    assert flood, "it goes on reading"
    while not select.select([], [flooder], [], 0)[1]:  # once they are read, it goes on
        assert select.select([flooder], [], [], DEADLINE)[0]
        flooder.recv(65536)
