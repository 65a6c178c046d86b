"""The dialog: it names the field to correct, and asks for what is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import ServerProcess, StartServer, make_certificate

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
def test_dialog_offers_tls_where_the_server_wants_it(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "localhost", "IP:127.0.0.1")
    server = start_server(*certificate.for_server)
    window = open_window(server.host, str(server.port), "--name", "alice")
    window.wait_for_complaint("tls", "TLS only")
    window.press("space")  # ticks it
    window.press("Return")
    window.wait_for_complaint("server", "is trusted by nobody here")  # TLS itself is right
    join(open_window, server, *certificate.for_client)


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
