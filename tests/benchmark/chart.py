"""Bar charts as SVG, which is text: no plotting library is needed to write it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from report import Series, figure

WIDTH, MARGIN, GAP = 960, 24, 32
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
LABELS, FIGURES = 140, 90  # on the left and on the right of the bars
TITLE_HEIGHT, BAR_HEIGHT, BAR_STEP = 40, 16, 22
OURS, OTHERS, SPREAD, TEXT, PAPER = "#1f6fb2", "#b8c4cf", "#444444", "#222222", "#ffffff"


def bar_chart(title: str, subtitle: str, series: list[Series]) -> str:
    """Return an SVG picture: a panel for each measurement with more than one contender."""
    panels = [list(group) for _, group in groupby(series, lambda one: (one.title, one.unit))]
    panels = [panel for panel in panels if len(panel) > 1]
    body: list[str] = []
    top = MARGIN + 56
    for left, right in zip(panels[::2], [*panels[1::2], []], strict=False):
        body += draw_panel(left, MARGIN, top)
        body += draw_panel(right, MARGIN + PANEL + GAP, top)
        top += TITLE_HEIGHT + BAR_STEP * max(len(left), len(right)) + 20
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 20}" '
        f'width="{WIDTH}" height="{top + 20}" font-family="sans-serif" fill="{TEXT}">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        text(MARGIN, MARGIN + 14, title, size=20, weight="bold"),
        text(MARGIN, MARGIN + 36, subtitle, size=12),
    ]
    note = "Bars: median of the rounds. Lines: from the first to the third quartile."
    return "\n".join([*head, *body, text(MARGIN, top, note, size=11), "</svg>"]) + "\n"


def draw_panel(panel: list[Series], left: int, top: int) -> Iterator[str]:
    if not panel:
        return
    better = "more is better" if panel[0].unit.endswith("/s") else "less is better"
    yield text(left, top + 12, panel[0].title, size=12, weight="bold")
    yield text(left, top + 28, f"{panel[0].unit}, {better}", size=11)
    bars = left + LABELS
    scale = (PANEL - LABELS - FIGURES) / max(one.spread[1] for one in panel)
    for place, one in enumerate(panel):
        y = top + TITLE_HEIGHT + place * BAR_STEP
        middle = y + BAR_HEIGHT / 2
        colour = OURS if one.ours else OTHERS
        low, high = (bars + bound * scale for bound in one.spread)
        yield text(bars - 8, middle + 4, one.contender, size=12, anchor="end")
        yield (
            f'<rect x="{bars}" y="{y}" width="{one.median * scale:.1f}" height="{BAR_HEIGHT}" '
            f'rx="2" fill="{colour}"/>'
        )
        yield (
            f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" '
            f'stroke="{SPREAD}" stroke-width="1.5"/>'
        )
        end = max(high, bars + one.median * scale)
        yield text(end + 6, middle + 4, figure(one.median), size=12)


def text(
    x: float, y: float, words: str, size: int, weight: str = "normal", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
