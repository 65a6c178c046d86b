"""A client: what is typed goes out as it is, what a MSG carries appears on the screen."""

from __future__ import annotations

import contextlib
import sys

import pytest

from .terminal import Terminal
from .wire import RuleBroken, frame, frames

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.mark.core
def test_a_typed_request_is_sent_as_it_is(terminal: Terminal) -> None:
    """A line that begins with a verb in capitals is sent as it is, in one frame.

    Probable mistake: is the length written with zfill(4), and the line sent once it is complete?
    """
    for line in ("NAME carol", "GET_NAMES", "MSG bob hi", "BLOCK bob", "UNBLOCK bob"):
        terminal.types(line)
        terminal.sends(line)


@pytest.mark.core
def test_a_typed_exit_is_sent(terminal: Terminal) -> None:
    """`EXIT` typed is sent as a request like any other, before the client ends.

    Probable mistake: the client closes its socket at EXIT and forgets to tell the server?
    """
    terminal.types("EXIT")
    terminal.sends("EXIT")


@pytest.mark.core
def test_the_length_counts_bytes(terminal: Terminal) -> None:
    """The length field counts the payload's bytes, not its characters.

    Probable mistake: len() of the text, where the length of text.encode() is meant?
    """
    terminal.types("MSG bob שלום, José")
    terminal.sends("MSG bob שלום, José")


@pytest.mark.core
def test_spaces_are_sent_as_typed(terminal: Terminal) -> None:
    """The text of a message is all that was typed after the name, its spaces included.

    Probable mistake: split() and join() turn two spaces into one?
    """
    terminal.types("MSG bob one  two   three")
    terminal.sends("MSG bob one  two   three")


@pytest.mark.core
def test_a_text_is_not_stripped(terminal: Terminal) -> None:
    """A line is sent as it was typed, with the spaces at the beginning and at the end of a text.

    Probable mistake: strip(), meant for the line end, takes the spaces as well?
    """
    for line in ("MSG bob  two spaces before", "MSG bob one space behind "):
        terminal.types(line)
        terminal.sends(line)


@pytest.mark.core
def test_a_typed_password_is_sent(terminal: Terminal) -> None:
    """`PASS` is a verb like any other: the line is sent as it was typed.

    Probable mistake: a list of verbs in the client in which PASS is missing?
    """
    terminal.types("PASS open sesame")
    terminal.sends("PASS open sesame")


@pytest.mark.core
def test_a_message_is_shown(terminal: Terminal) -> None:
    """What a `MSG` carries, the sender and the text, appears on the screen while nobody types.

    Probable mistake: input() waits for the keyboard, and nobody looks at the socket meanwhile?
    """
    terminal.hears(frame("MSG zebedee alice the first words"))
    terminal.shows("zebedee")
    terminal.shows("the first words")


@pytest.mark.chat
def test_a_broadcast_is_shown(terminal: Terminal) -> None:
    """What a `MSG` to BROADCAST carries appears on the screen like any other message.

    Probable mistake: only messages that name this client are shown?
    """
    terminal.hears(frame("MSG zebedee BROADCAST hello to everybody"))
    terminal.shows("zebedee")
    terminal.shows("hello to everybody")


@pytest.mark.chat
def test_spaces_are_shown(terminal: Terminal) -> None:
    """What a `MSG` carries is shown as it is: two spaces in a text stay two.

    Probable mistake: split() and join() turn two spaces into one?
    """
    terminal.hears(frame("MSG zebedee alice one  two   three"))
    terminal.shows_exactly("one  two   three")


@pytest.mark.chat
def test_any_script_is_shown(terminal: Terminal) -> None:
    """Payloads are UTF-8: letters of every script appear as they were written.

    Probable mistake: as many characters are cut from the stream as the length field counts bytes?
    """
    terminal.hears(frames("MSG zebedee alice žluťoučký kůň", "MSG zebedee alice and after that"))
    terminal.shows("žluťoučký kůň", "and after that")


@pytest.mark.chat
def test_a_message_does_not_wait_for_the_line_being_typed(terminal: Terminal) -> None:
    """A message appears while a line is being typed, and the line is sent whole when it is done.

    Probable mistake: input() waits for Enter, and nobody looks at the socket meanwhile?
    """
    terminal.situation = "while a line was half typed"
    terminal.presses("MSG bob half a li")
    terminal.hears(frame("MSG zebedee alice an interruption"))
    terminal.shows("an interruption")
    terminal.types("ne")
    terminal.sends("MSG bob half a line")


@pytest.mark.chat
def test_lines_typed_at_once_are_all_sent(terminal: Terminal) -> None:
    """Lines that come from the keyboard at the same moment, as when they are pasted, are all sent.

    Probable mistake: the first line is taken, and the next waits in a buffer for one more key?
    """
    lines = [f"MSG bob line {n} of 3" for n in (1, 2, 3)]
    terminal.presses("".join(f"{line}\r" for line in lines))
    for line in lines:
        terminal.sends(line)


@pytest.mark.chat
def test_an_error_is_survived(terminal: Terminal) -> None:
    """An `ERROR` is news like any other: the client goes on.

    Probable mistake: the client ends, or waits for something else, when a request is refused?
    """
    terminal.hears(frame("ERROR NO_SUCH_NAME Nobody here is called that."))
    terminal.hears(frame("MSG zebedee alice after the error"))
    terminal.shows("after the error")
    terminal.types("MSG bob still here")
    terminal.sends("MSG bob still here")


@pytest.mark.robust
def test_exit_ends_in_order(terminal: Terminal) -> None:
    """After `EXIT` the connection is closed in order, or left to the server: a reset may overtake
    what was sent before it.

    Probable mistake: SO_LINGER, or close() while bytes lie unread?
    """
    terminal.types("EXIT")
    with contextlib.suppress(RuleBroken):  # that it is sent at all is another rule's business
        terminal.sends("EXIT")
    terminal.ends_in_order()


@pytest.mark.robust
def test_an_unknown_frame_is_survived(terminal: Terminal) -> None:
    """A client shows frames that it does not know, rather than failing on them.

    Probable mistake: an exception for a verb that no branch handles?
    """
    terminal.hears(
        frames("WEATHER rain at four", "INFO", "", "MSG zebedee alice after the unknown")
    )
    terminal.shows("after the unknown")


@pytest.mark.robust
def test_joined_frames_are_all_shown(terminal: Terminal) -> None:
    """TCP joins frames: several that arrive in one packet are all shown, in their order.

    Probable mistake: one recv() is taken for one message?
    """
    terminal.hears(frames(*(f"MSG zebedee alice number {n} of 9" for n in range(1, 10))))
    terminal.shows(*(f"number {n} of 9" for n in range(1, 10)))


@pytest.mark.robust
def test_cut_frames_are_shown_whole(terminal: Terminal) -> None:
    """TCP cuts the stream anywhere, in the middle of a letter as well.

    Probable mistake: recv(n) is believed to return n bytes, or a part of a payload is decoded?
    """
    for count, text in enumerate(("first cut žluťoučký kůň", "second cut 🦓")):
        data = frame(f"MSG zebedee alice {text}")
        for position in range(len(data)):
            terminal.hears(data[position : position + 1])
            if count == 0:
                terminal.wait_a_moment()
        terminal.shows(text)


@pytest.mark.robust
def test_half_a_frame_does_not_stop_the_keyboard(terminal: Terminal) -> None:
    """While half a frame has arrived, what is typed is sent all the same.

    Probable mistake: a blocking recv() for the rest of the frame?
    """
    data = frame("MSG zebedee alice in two halves")
    terminal.situation = "while half a frame had arrived"
    terminal.hears(data[:12])
    terminal.types("MSG bob meanwhile")
    terminal.sends("MSG bob meanwhile")
    terminal.hears(data[12:])
    terminal.shows("in two halves")


@pytest.mark.robust
def test_the_longest_message_is_shown(terminal: Terminal) -> None:
    """A payload has up to 9999 bytes, and its end is as good as its beginning.

    Probable mistake: recv(1024) is taken for the whole message?
    """
    head, tail = "MSG zebedee alice beginning ", " the end of it"
    terminal.hears(frame(head + "blah " * ((9999 - len(head) - len(tail)) // 5) + tail[1:]))
    terminal.shows("beginning", "the end of it")
