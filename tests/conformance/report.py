"""Who passed what: in the terminal, as an HTML page for a class, as Gradescope's file."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .options import LEVELS


@dataclass
class Result:
    """What became of one rule at one submission."""

    submission: str
    level: str
    title: str  # "half a frame stops nobody"
    rule: str  # the protocol's text
    outcome: str = "passed"  # or "failed", or "skipped"
    explanation: str = ""  # one sentence: what happened and the probable mistake, or why skipped


def by_submission(results: Iterable[Result]) -> dict[str, list[Result]]:
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.submission, []).append(result)
    return grouped


def count(results: Sequence[Result], level: str) -> tuple[int, int]:
    """Return how many rules of the level passed, of how many that were judged."""
    judged = [result for result in results if result.level == level and result.outcome != "skipped"]
    return sum(result.outcome == "passed" for result in judged), len(judged)


def failed(results: Sequence[Result]) -> list[Result]:
    """Return the broken rules, the first level's first."""
    broken = [result for result in results if result.outcome == "failed"]
    return sorted(broken, key=lambda result: LEVELS.index(result.level))


def terminal_lines(results: Sequence[Result]) -> list[str]:
    """Return one submission's report as lines of text."""
    lines = []
    for level in LEVELS:
        passed, total = count(results, level)
        if total:
            lines.append(f"{level:<8}{passed:>3} of {total:>3} rules passed")
    lines += [
        f"{broken.level:<8}{broken.title}: {broken.explanation}" for broken in failed(results)
    ]
    skipped: dict[str, int] = {}
    for result in results:
        if result.outcome == "skipped":
            skipped[result.explanation] = skipped.get(result.explanation, 0) + 1
    lines += [f"skipped {number:>3} rules: {reason}" for reason, number in skipped.items()]
    return lines


# ---------------------------------------------------------------------------------------- a page

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Chat conformance</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border-bottom: 1px solid #8885; padding: .4rem .8rem; text-align: left;
  vertical-align: top }}
td.all {{ color: #17803d }}
td.some {{ color: #b3261e }}
li {{ margin-bottom: .4rem }}
small {{ opacity: .75 }}
</style>
</head>
<body>
<h1>Chat conformance</h1>
<table>
<thead><tr><th>submission</th>{levels}<th>broken rules</th></tr></thead>
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
    heads = "".join(f"<th>{level}</th>" for level in levels)
    return PAGE.format(levels=heads, rows="\n".join(rows))


def html_row(submission: str, results: Sequence[Result], levels: Sequence[str]) -> str:
    cells = ""
    for level in levels:
        passed, total = count(results, level)
        style = "all" if passed == total else "some"
        cells += f'<td class="{style}">{passed} of {total}</td>'
    return f"<tr><th>{html.escape(submission)}</th>{cells}<td>{html_broken(results)}</td></tr>"


def html_broken(results: Sequence[Result]) -> str:
    broken = failed(results)
    if not broken:
        return "none"
    items = "".join(
        f"<li><b>{html.escape(result.level)} · {html.escape(result.title)}</b>:"
        f" {html.escape(result.explanation)}<br><small>{html.escape(result.rule)}</small></li>"
        for result in broken
    )
    return f"<details><summary>{len(broken)}</summary><ul>{items}</ul></details>"


# ------------------------------------------------------------------------------------ Gradescope


def gradescope(results: Sequence[Result], points: dict[str, float]) -> dict[str, object]:
    """Return what Gradescope reads: a level's points are shared equally among its judged rules.

    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    tests = []
    several = len(by_submission(results)) > 1
    for submission, own in by_submission(results).items():
        for result in own:
            if result.outcome == "skipped":
                continue
            worth = points[result.level] / count(own, result.level)[1]
            name = f"{result.level}: {result.title}"
            tests.append(
                {
                    "name": f"{submission} · {name}" if several else name,
                    "score": worth if result.outcome == "passed" else 0.0,
                    "max_score": worth,
                    "output": "\n\n".join(filter(None, [result.explanation, result.rule])),
                    "visibility": "visible",
                }
            )
    return {"tests": tests}


def write_gradescope(path: Path, results: Sequence[Result], points: dict[str, float]) -> None:
    text = json.dumps(gradescope(results, points), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
