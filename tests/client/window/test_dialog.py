"""The dialog: it names the field to correct, and asks for what is wanted."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from harness import ServerProcess, StartServer, make_certificate, not_under_wine, slow_beyond

from client.played import PlayedServer

from .opened import OpenWindow, join


@pytest.mark.slow
def test_dialog_names_the_field_to_correct(open_window: OpenWindow, server: ServerProcess) -> None:
    server.connect("bob")
    window = open_window()
    window.wait("dialog.open")
    window.wait_for_status("Not connected")
    window.answer_dialog(server="", name="bob")
    window.wait_for_complaint("server", "Which machine")
    window.answer_dialog(server="no such machine", port="1")
    window.wait_for_complaint("server", "No machine is called")
    window.answer_dialog(server="127.0.0.1", port="http")
    window.wait_for_complaint("port", "no number from 1 to 65535")
    window.answer_dialog(port="1")
    window.wait_for_complaint("port", "Nothing listens on port 1 ")
    window.answer_dialog(port=str(server.port), name="bob the builder")
    window.wait_for_complaint("name", "no spaces")
    window.answer_dialog(name="Bob")
    window.wait_for_complaint("name", "Bob")
    window.wait_for_status("no name yet")
    window.answer_dialog(name="alice")
    window.wait("not dialog.open and root.focus_lastfor() is entry")  # ready to type
    window.wait_for_status(f"Online as alice at 127.0.0.1, port {server.port}")
    assert "!" not in window.shown()  # what was wrong was said in the dialog alone
    assert window("dialog.answer()[:3]") == ("127.0.0.1", server.port, "alice")  # remembered


@pytest.mark.slow
def test_dialog_takes_an_address_with_its_port(
    open_window: OpenWindow, server: ServerProcess
) -> None:
    window = open_window()
    window.wait("dialog.open")
    for pasted, host in ((" localhost:8821\n", "localhost"), ("[::1]:8822", "::1")):
        window.focus("server")
        window(f"[root.clipboard_clear(), root.clipboard_append({pasted!r})] and None")
        window.press("<SelectAll>", "<Paste>")
        window.wait(f"(server.get(), port.get()) == ({host!r}, {pasted.strip()[-4:]!r})")
    window.answer_dialog(server="127.0.0.1:http", name="alice")
    window.wait_for_complaint("server", "'http' is no number from 1 to 65535")
    window.answer_dialog(server=f"127.0.0.1:{server.port}")
    window.wait_for_status(f"Online as alice at 127.0.0.1, port {server.port}")


@pytest.mark.slow
def test_dialog_asks_for_a_password_where_one_is_wanted(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    server = start_server("--password-file", str(secret))
    window = open_window(server.host, str(server.port))
    window.wait("dialog.open")
    assert not window("password.winfo_viewable()")
    window.answer_dialog(name="alice")
    window.wait_for_complaint("password", "assword")
    assert window("password['show']") == "•"
    window.answer_dialog(password="sesame")
    window.wait_for_complaint("password", "not the password")
    window.answer_dialog(password="open sesame")
    window.wait_for(r"\* here \(1\)")
    assert not window("dialog.open")


@pytest.mark.slow
def test_dialog_leads_to_tls_and_to_the_certificate(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    right = make_certificate(tmp_path, "right", "IP:127.0.0.1")
    other = make_certificate(tmp_path, "other", "IP:127.0.0.1")
    (tmp_path / "diary").write_text("Dear diary,\n")
    server = start_server(*right.for_server)
    window = open_window(server.host, str(server.port), "--name", "alice")
    window.wait_for_complaint("tls", "tick TLS")
    assert not window("certificate.winfo_viewable()")
    window.press("space")  # ticks it
    window.wait("certificate.winfo_viewable()")
    window.press("Return")
    window.wait_for_complaint("certificate", "is trusted by nobody here")
    for file, words in (
        ("missing", "no such file"),
        ("diary", "holds no certificate"),
        (".", "cannot be read"),
        ("other.pem", "not the one in this file"),
    ):
        for _ in "twice":  # the same again is no better
            window.answer_dialog(certificate=str(tmp_path / file))
            window.wait_for_complaint("certificate", words)
            assert not re.search("--|python", window("dialog.message['text']")), "a command line"
    window.answer_dialog(certificate=f'"{right.file}"')  # as Windows copies a path
    window.wait_for_status("Online as alice")
    assert other.file != right.file


@pytest.mark.slow
def test_a_file_that_is_no_certificate_is_told_every_time(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    """Also while a connection waits for a name: it was made with another file."""
    certificate = make_certificate(tmp_path, "right", "IP:127.0.0.1")
    server = start_server(*certificate.for_server)
    join(open_window, server, *certificate.for_client)
    options = ("--name", "alice", *certificate.for_client)
    window = open_window(server.host, str(server.port), *options)
    window.wait_for_complaint("name", "alice")
    window.answer_dialog(certificate=str(tmp_path / "missing"))
    window.wait_for_complaint("certificate", "no such file")
    window("dialog.tell('')")
    window.press("Return")
    window.wait_for_complaint("certificate", "no such file")


@pytest.mark.slow
def test_a_certificate_for_another_machine_is_a_matter_of_the_server(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "elsewhere", "IP:127.0.0.9")
    server = start_server(*certificate.for_server)
    options = ("--name", "alice", *certificate.for_client)
    window = open_window(server.host, str(server.port), *options)
    window.wait_for_complaint("server", "for another address")


FINAL = {
    "SERVER_FULL Come tomorrow.": ("server", "Come tomorrow"),
    "SERVER_FULL Use another name.": ("server", "Use another name"),
    "LOCKED No.": ("server", "locked"),
    "REMOVED no shouting": ("server", "no shouting\nAsk whoever runs"),
    "REMOVED": ("server", "You were sent away"),
    "TIMEOUT Too slow.": ("name", "Too slow"),
    "TLS_REQUIRED python chat_client.py": ("tls", "tick TLS"),
    "BAD_PASSWORD No name.": ("password", "No name"),
    "BAD_FRAME What?": ("port", "What?"),
}


@pytest.mark.parametrize("error", slow_beyond(1, [*FINAL]))
def test_the_code_of_an_error_tells_the_field(open_window: OpenWindow, error: str) -> None:
    """Not the words of its sentence, which each server chooses."""
    field, words = FINAL[error]
    with PlayedServer() as played:
        window = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.expect("NAME alice")
        connection.send(f"ERROR {error}")
        window.wait_for_complaint(field, words)
        connection.close()
        window.wait_for_status("Not connected")
        window.wait_for_complaint(field, words)
        window.wait(f"{field}.instate(['invalid'])")


@pytest.mark.slow
def test_something_else_at_the_port_is_a_matter_of_the_port(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        window = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.expect("NAME alice")
        connection.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        window.wait_for_complaint("port", "does not speak this protocol")


@pytest.mark.slow
def test_keys_of_the_dialog_are_those_of_every_dialog(
    open_window: OpenWindow, server: ServerProcess
) -> None:
    window = open_window(server.host, str(server.port))
    window.answer_dialog(name="bob the builder", server="127.0.0.1")
    window.wait_for_complaint("name", "no spaces")
    window("[name.selection_clear(), name.icursor(5)] and None")
    window.press("Control-a")
    assert window("(name.index('sel.first'), name.index('sel.last'))") == (0, 15)
    window("[name.delete(0, 'end'), name.insert(0, 'alice')] and None")
    window.press("Return" if sys.platform == "win32" else "KP_Enter")  # there they are one
    window.wait_for_status("Online as alice")
    server.may_end = True
    server.process.kill()
    window.wait_for_status("Connection lost")
    window("dialog.show('name')")
    window.focus("name")
    window("[name.delete(0, 'end'), name.insert(0, 'carol')] and None")
    window.press("Escape")
    window.wait("not dialog.open")
    window.wait_for_status("Connection lost")
    window("dialog.show('server')")
    assert window("name.get()") == "carol"  # what was typed stays


@pytest.mark.slow
def test_a_password_shows_no_words(open_window: OpenWindow) -> None:
    window = open_window()
    window("dialog.show('password')")
    window.focus("password")
    window("[password.insert(0, 'open sesame now'), password.icursor(7)] and None")
    length = len("open sesame now")
    for event, cursor in (("<PrevWord>", 0), ("<NextWord>", length)):
        window.press(event)
        assert window("password.index('insert')") == cursor
    window("password.icursor(7)")
    window.press("<SelectPrevWord>")
    assert window("(password.index('sel.first'), password.index('sel.last'))") == (0, 7)
    window("password.selection_clear()")
    window(
        "[password.event_generate(f'<{kind}-1>', x=20, y=5) for _ in 'ab'"
        " for kind in ('ButtonPress', 'ButtonRelease')] and None"
    )
    assert window("(password.index('sel.first'), password.index('sel.last'))") == (0, length)
    window.press("<Copy>")
    assert "sesame" not in window("root.clipboard_get()")


@pytest.mark.slow
@not_under_wine("it draws a line of 10,000 letters for half a minute")
def test_a_password_that_no_frame_carries_is_told_of(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    server = start_server("--password-file", str(secret))
    window = open_window(server.host, str(server.port), "--name", "alice")
    window.wait_for_complaint("password", "wants a password")
    window.answer_dialog(password="x" * 10_000)
    window.wait_for_complaint("password", "too long")
    window.answer_dialog(password="open sesame\n")  # as it is pasted
    window.wait_for_status("Online as alice")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the system's own chooser hears no events")
def test_the_certificate_is_chosen_among_files(open_window: OpenWindow, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "right", "IP:127.0.0.1")
    window = open_window("--tls")
    window.wait("dialog.open")
    chooser = "str(dialog.top) + '.__tk_filedialog'"
    entry = f"{chooser} + '.contents.f2.ent'"
    for file in ("", certificate.file):  # at first it is called off
        window("root.after(1, dialog.choose.invoke) and None")
        window.wait(
            f"int(root.tk.call('winfo', 'exists', {entry})) and "
            f"int(root.tk.call('winfo', 'viewable', {entry}))"
        )
        window(f"root.tk.call({entry}, 'delete', 0, 'end') and None")
        window(f"root.tk.call({entry}, 'insert', 0, {file!r}) and None")
        key = "<Return>" if file else "<Escape>"
        window(f"root.tk.call('event', 'generate', {entry}, {key!r}) and None")
        window.wait(
            f"dialog.certificate.get() == {file!r} and not int("
            f"root.tk.call('winfo', 'viewable', {chooser}))"
        )
    window.wait("focus() == 'certificate'")
    window("root.after(1, dialog.choose.invoke) and None")
    window.wait("str(root.tk.call('grab', 'current', dialog.top))")
    window.process.terminate()  # also while it is open
    window.wait_until_closed()


@pytest.mark.slow
def test_dialog_leads_nobody_to_do_without_tls(
    open_window: OpenWindow, server: ServerProcess
) -> None:
    """Whoever stands in between could answer in plain bytes."""
    window = open_window(server.host, str(server.port), "--name", "alice", "--tls")
    window.wait_for_complaint("port", "does not speak TLS")


@pytest.mark.slow
def test_dialog_comes_back_when_the_server_sends_us_away(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--login-timeout", "1")
    server.connect("bob")
    window = open_window(server.host, str(server.port), "--name", "bob")
    window.wait_for_complaint("name", "bob")
    window.wait_for_status("Not connected")
    window.answer_dialog(name="alice")
    window.wait_for(r"\* here \(2\)")
    assert not window("dialog.open")


@pytest.mark.slow
def test_the_next_free_name_is_offered(open_window: OpenWindow, server: ServerProcess) -> None:
    server.people("bob", "bob2")
    window = open_window(server.host, str(server.port), "--name", "bob")
    window.wait("dialog.name.get() == 'bob3'")
    assert "bob is taken" in window("dialog.message['text']")
    window.press("Return")
    window.wait_for(r"\* here \(3\)")
