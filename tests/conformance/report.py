"""Who passed what: in the terminal, as an HTML page for a class, as Gradescope's file."""

from __future__ import annotations

import html
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .options import LEVELS

STAGES = {"core": "stages 1 and 2", "chat": "stage 3", "robust": "stage 4"}
PERHAPS = "Perhaps"  # begins a guess
MOST_FOR_ONE_MISTAKE = 0.2  # of a level's points


@dataclass
class Result:
    """What became of one rule at one submission."""

    submission: str
    level: str
    title: str  # "half a frame stops nobody"
    rule: str  # the protocol's text
    outcome: str = "passed"  # or "failed", or "skipped"
    seen: str = ""  # one sentence: in what situation what happened, or why it was skipped
    guess: str = ""  # the mistake that probably did it
    about: str = ""  # the kind of thing that was missing; see experience.py
    cause: str = ""  # what explains this broken rule and others: one sentence, said once
    is_one_mistake: bool = False  # which costs so much and no more, however many rules it breaks
    points: float = 0.0  # that the rule is worth
    lost: float = 0.0  # of these, because it is broken


def by_submission(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return each submission's results, the first level's first."""
    grouped: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda result: LEVELS.index(result.level)):
        grouped.setdefault(result.submission, []).append(result)
    return grouped


def count(results: Sequence[Result], level: str) -> tuple[int, int]:
    """Return how many rules of the level passed, of how many that were judged."""
    judged = [result for result in results if result.level == level and result.outcome != "skipped"]
    return sum(result.outcome == "passed" for result in judged), len(judged)


def failed(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.outcome == "failed"]


def causes(results: Sequence[Result]) -> list[tuple[str, str, list[Result]]]:
    """Return what explains several broken rules, the guess at it, and them: the most first."""
    broken: dict[str, list[Result]] = {}
    for result in failed(results):
        if result.cause:
            broken.setdefault(result.cause, []).append(result)
    found = [(cause, rules[0].guess, rules) for cause, rules in broken.items()]
    return sorted(found, key=lambda one: -len(one[2]))


def titles(results: Sequence[Result]) -> str:
    """Return the titles of these rules, in one line."""
    return " · ".join(result.title for result in results)


# ------------------------------------------------------------------------------------------ points


def give_points(
    results: Sequence[Result], points: Mapping[str, float], sizes: Mapping[str, int]
) -> None:
    """Give every rule its share of its level's points; `sizes` says how many rules share them."""
    for level in LEVELS:
        own = [result for result in results if result.level == level]
        judged = [result for result in own if result.outcome != "skipped"]
        rules = max(len(judged), sizes.get(level, 0) - (len(own) - len(judged)))
        for result, share in zip(judged, shares(points[level], rules), strict=False):
            result.points = share
            result.lost = share if result.outcome == "failed" else 0.0
        for _, _, broken in causes(judged):
            most = round(points[level] * MOST_FOR_ONE_MISTAKE, 2)
            if broken[0].is_one_mistake and worth(broken) > most:
                for result, share in zip(broken, shares(most, len(broken)), strict=True):
                    result.lost = min(share, result.points)


def shares(points: float, count: int) -> list[float]:
    """Return equal shares in whole hundredths, some a hundredth larger, that add up to `points`."""
    sums = [round(points * number / count, 2) for number in range(count + 1)]
    return [round(after - before, 2) for before, after in pairwise(sums)]


def earned(results: Iterable[Result]) -> float:
    return round(sum(result.points - result.lost for result in results), 2)


def worth(results: Iterable[Result]) -> float:
    return round(sum(result.points for result in results), 2)


# ------------------------------------------------------------------------------------ the terminal


def terminal_lines(results: Sequence[Result]) -> list[str]:
    """Return one submission's report as lines of text."""
    lines = []
    for level in LEVELS:
        own = [result for result in results if result.level == level]
        passed, total = count(own, level)
        if total:
            points = f"{earned(own):>8.2f} of {worth(own):.2f} points"
            lines.append(f"{level:<8}{passed:>3} of {total:>3} rules passed{points}")
    for cause, guess, broken in causes(results):
        lines.append(f"{len(broken)} rules are broken by one thing: {cause}")
        lines += [f"        {PERHAPS}: {guess}"] if guess else []
        lines.append(f"        {titles(broken)}")
    for one in failed(results):
        if not one.cause:
            lines.append(f"{one.level:<8}{one.title}: {one.seen}")
            lines += [f"        {PERHAPS}: {one.guess}"] if one.guess else []
    skipped = Counter(result.seen for result in results if result.outcome == "skipped")
    lines += [f"skipped {number:>3} rules: {reason}" for reason, number in skipped.items()]
    return lines


# ---------------------------------------------------------------------------------------- a page

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chat conformance</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem;
  padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed }}
th, td {{ border-bottom: 1px solid #8885; padding: .4rem .8rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }}
th.broken {{ width: 45% }}
td.all {{ color: #17803d }}
td.some {{ color: #b3261e }}
ul {{ padding-left: 1.2rem }}
li {{ margin-bottom: .4rem }}
small {{ opacity: .75 }}
</style>
</head>
<body>
<h1>Chat conformance</h1>
<table>
<thead>
<tr><th>submission</th><th>points</th>{levels}<th class="broken">broken rules</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def html_page(results: Sequence[Result]) -> str:
    """Return a self-contained page with one row per submission."""
    levels = [level for level in LEVELS if any(result.level == level for result in results)]
    rows = (html_row(name, own, levels) for name, own in by_submission(results).items())
    heads = "".join(f"<th>{level}<br><small>{STAGES[level]}</small></th>" for level in levels)
    return PAGE.format(levels=heads, rows="\n".join(rows))


def html_row(submission: str, results: Sequence[Result], levels: Sequence[str]) -> str:
    cells = f"<td>{earned(results):.2f} of {worth(results):.2f}</td>"
    for level in levels:
        own = [result for result in results if result.level == level]
        passed, total = count(own, level)
        style = "all" if passed == total else "some"
        cells += f'<td class="{style}">{passed} of {total}<br>{earned(own):.2f} points</td>'
    return f"<tr><th>{html.escape(submission)}</th>{cells}<td>{html_broken(results)}</td></tr>"


def html_broken(results: Sequence[Result]) -> str:
    broken = failed(results)
    if not broken:
        return "none"
    first = "".join(
        f"<li><b>{len(rules)} rules are broken by one thing</b>: {html.escape(cause)}"
        f"{html_guess(guess)}<br><small>{html.escape(titles(rules))}</small></li>"
        for cause, guess, rules in causes(results)
    )
    items = "".join(
        f"<li><b>{html.escape(result.level)} · {html.escape(result.title)}</b>:"
        f" {html.escape(result.seen)}{html_guess(result.guess)}"
        f"<br><small>{html.escape(result.rule)}</small></li>"
        for result in broken
        if not result.cause
    )
    return f"<details><summary>{len(broken)}</summary><ul>{first}{items}</ul></details>"


def html_guess(guess: str) -> str:
    return f"<br><i>{PERHAPS}: {html.escape(guess)}</i>" if guess else ""


# ------------------------------------------------------------------------------------ Gradescope


def gradescope(results: Sequence[Result]) -> dict[str, object]:
    """Return what Gradescope reads: a test for each rule, with its share of the points.

    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    submissions = by_submission(results)
    tests = []
    for submission, own in submissions.items():
        for result in own:
            if result.outcome == "skipped":
                continue
            name = f"{result.level}: {result.title}"
            tests.append(
                {
                    "name": f"{submission} · {name}" if len(submissions) > 1 else name,
                    "score": round(result.points - result.lost, 2),
                    "max_score": result.points,
                    "output": "\n\n".join(explained(result)),
                    "visibility": "visible",
                }
            )
    whole: dict[str, object] = {"tests": tests}
    if len(submissions) == 1:
        whole["score"] = earned(results)
    return whole


def explained(result: Result) -> list[str]:
    """Return what there is to say about a rule, in paragraphs."""
    said = [result.seen] if result.seen else []
    if result.cause:
        said.append(f"Broken by one thing, like other rules: {result.cause}")
    if result.guess:
        said.append(f"{PERHAPS}: {result.guess}")
    return [*said, result.rule]


# ------------------------------------------------------------------------------------------ files


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there with all of its text, or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_gradescope(path: Path, results: Sequence[Result]) -> None:
    write_whole(path, json.dumps(gradescope(results), indent=2, ensure_ascii=False) + "\n")
