"""What stands around the conversation: the prompt before the line being typed, and the title.

Knows what the session waits for, and to whom the line goes.
"""

from __future__ import annotations

from chat.client.session import Session
from chat.terminal.text import harmless


def prompts(session: Session, login: str, *, secret: bool) -> list[str]:
    """Return what may stand before the line being typed, the best first, the shortest last."""
    if session.password.is_judged:
        return ["Password sent, please wait: ", "Please wait: ", "Wait: "]
    if secret:
        return ["Password: ", "> "]
    if session.needs_name:
        offered = free_name(session, login)
        if not offered:
            return ["Your name: ", "Name: "]
        # Enter takes what is offered, which is seen in the narrowest window.
        return [f"Your name [{offered}]: ", f"Name [{offered}]: ", f"[{offered}]: "]
    mine, addressee = harmless(session.name), harmless(session.roster.addressee)
    if addressee:  # also in the narrowest window: a word too many for all is soon said
        return [f"{mine} → {addressee}> ", f"→ {addressee}> "]
    return [*([f"{mine}> "] if mine else []), "> "]


def free_name(session: Session, login: str) -> str:
    """Return a name to offer at the door: the one wanted, else the login name, or its next one
    that nobody has; empty where there is none.
    """
    if session.wanted_name and session.looking:  # it was refused, and who is here is asked just now
        return ""
    name = session.wanted_name or login
    return session.roster.free_name(name) if name else ""


def title(session: Session, unseen: int) -> str:
    """Return what the window is called: how many lines for this person it has, and whose it is."""
    count = f"({unseen}) " if unseen else ""
    return f"{count}{harmless(session.name)} – Chat" if session.name else f"{count}Chat"
