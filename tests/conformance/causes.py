"""What explains many broken rules at once: guesses that no single rule can make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .experience import ANSWER_TO, BEHIND_AN_ERROR, CLOSED, EVENTS, Experience
from .patterns import PATTERNS
from .report import Result
from .wire import NO_FRAME, show

NOT_RUNNING = "The server "  # begins what is said of one that did not start, or has ended
LENGTH_GUESS = "does the length field count the bytes of the payload, in four digits?"
SILENT_GUESS = "does it read frames, four digits and then the payload, and answer with frames?"
EVENT_GUESSES = {
    "JOINED": "are the others told who comes?",
    "RENAMED": "are the others told of a change of name, by RENAMED and not by LEFT and JOINED?",
    "LEFT": "are the others told who leaves?",
}
Results = list[Result]
AT_LEAST = 2  # broken rules that one thing must explain to be called their cause
CODES = {
    "BAD_FRAME",
    "BAD_TEXT",
    "UNKNOWN_COMMAND",
    "BAD_ARGUMENTS",
    "NAME_REQUIRED",
    "BAD_NAME",
    "NAME_TAKEN",
    "NO_SUCH_NAME",
    "BLOCKED",
    "NOT_BLOCKED",
    "TOO_LONG",
}


@dataclass(frozen=True)
class Cause:
    """One thing that breaks rules: what was seen of it, and a guess."""

    seen: str
    guess: str
    is_one_mistake: bool  # not something that is missing, or a program that does not run


Explanation = Callable[[str, Experience], "Cause | None"]


def find(results: Sequence[Result], experience: Experience) -> None:
    """Write into a submission's broken rules what explains several of them, and better guesses.

    What a server does not do at all goes first, then mistakes that are known by the rules that
    they break together, then what it does not do in some place.
    """
    left = [result for result in results if result.outcome == "failed"]
    left = explain_by(something_missing, left, experience)
    for pattern in PATTERNS:
        explained = pattern.explained({name_of(result): result.seen for result in left})
        cause = Cause(pattern.seen, pattern.guess, is_one_mistake=True)
        for result in left:
            if name_of(result) in explained:
                write_into(result, cause)
        left = [result for result in left if not result.cause]
    explain_by(something_else, left, experience, at_least=AT_LEAST)


def explain_by(
    explanation: Explanation, results: Results, experience: Experience, at_least: int = 1
) -> Results:
    """Look for what explains at least so many of these, and return those that are left."""
    explained: dict[Cause, Results] = {}
    for result in results:
        if cause := explanation(result.about, experience):
            explained.setdefault(cause, []).append(result)
    for cause, concerned in explained.items():
        for result in concerned if len(concerned) >= at_least else []:
            write_into(result, cause)
            if len(concerned) < AT_LEAST:
                result.cause = ""  # what was seen says as much; only the guess is better
    return [result for result in results if not result.cause]


def name_of(result: Result) -> str:
    return result.title.replace(" ", "_")


def write_into(result: Result, cause: Cause) -> None:
    result.cause = cause.seen
    result.guess = cause.guess
    result.is_one_mistake = cause.is_one_mistake


def something_missing(about: str, experience: Experience) -> Cause | None:
    """Return what the server does not do at all, if that is what a rule missed."""
    if about.startswith(NOT_RUNNING):
        return Cause(about, "", is_one_mistake=False)
    if not experience.came:
        return Cause("no frame ever came from the server", SILENT_GUESS, is_one_mistake=False)
    if about == BEHIND_AN_ERROR:
        seen = "behind an ERROR, the connection was closed"
        return Cause(seen, "does every error end it? Only BAD_FRAME and BAD_PASSWORD do", True)
    subject, verb = subject_and_verb(about)
    if verb in ANSWER_TO and experience.asked[verb] and not experience.came[ANSWER_TO[verb]]:
        return Cause(never_answered(verb, experience), f"is {verb} there yet?", False)
    if verb == "NAME" and not experience.served_a_second_one:
        seen = "nobody was answered while somebody else was connected"
        return Cause(seen, "does accept() wait until the first client has left?", True)
    if subject in EVENTS and not experience.came[subject]:
        seen = f"{subject} never came in the whole run"
        return Cause(seen, EVENT_GUESSES[subject], False)
    if subject == "MSG BROADCAST" and not experience.came[subject]:
        seen = "no broadcast ever arrived in the whole run"
        return Cause(seen, "is MSG BROADCAST there yet?", False)
    if subject.startswith("ERROR ") and about.startswith(CLOSED):
        return about_closes(subject)
    if subject.startswith("ERROR "):
        return about_all_errors(experience)
    return None


def subject_and_verb(about: str) -> tuple[str, str]:
    """Return what should have come, and in answer to what."""
    subject, _, request = about.removeprefix(CLOSED).partition(" after ")
    return subject, request or subject.removeprefix("the answer to ")


def never_answered(verb: str, experience: Experience) -> str:
    number = experience.asked[verb]
    times = "once" if number == 1 else f"{number} times"
    return f"{verb} was asked {times} in the whole run, and {ANSWER_TO[verb]} never came back"


def about_closes(error: str) -> Cause:
    if error == "ERROR BAD_FRAME":
        seen = "where ERROR BAD_FRAME should come, the connection was closed without a word"
        return Cause(seen, "is the reason sent, and does it arrive before close()?", True)
    seen = "where an ERROR should come, the connection was closed without a word"
    return Cause(seen, "does an exception while a request is dealt with end it?", True)


def about_all_errors(experience: Experience) -> Cause | None:
    if not experience.came["ERROR"]:
        seen = "no ERROR ever came in the whole run"
        return Cause(seen, "are wrong requests answered at all?", False)
    if not CODES & codes_of(experience):
        example = show(experience.examples["ERROR"])
        seen = f"no ERROR had one of the codes in the whole run; one of them was {example}"
        guess = "does the code stand behind ERROR, before the text, spelled as in the table?"
        return Cause(seen, guess, True)
    return None


def codes_of(experience: Experience) -> set[str]:
    return {kind.removeprefix("ERROR ").upper() for kind in experience.came if " " in kind}


def something_else(about: str, experience: Experience) -> Cause | None:
    """Return what the server does not do in some place, if that is what a rule missed."""
    if about == NO_FRAME:
        return Cause(about, LENGTH_GUESS, is_one_mistake=True)
    subject, _ = subject_and_verb(about)
    if not subject.startswith("ERROR "):
        return None
    code = subject.removeprefix("ERROR ")
    if code not in codes_of(experience):
        return Cause(f"{code} never came in the whole run", f"is {code} there yet?", False)
    return None
