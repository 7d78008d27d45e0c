"""Charts as inline SVG: small functions from numbers to a drawing.

Colours are classes that ``console.css`` gives meaning to, so that dark mode needs nothing here. No
meaning is by colour alone: each mark has a tip, each chart says all its numbers in its label.
A number that is None is not shown, because it is small or would give a small one away.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 340
"""Units; a phone shows them one to one, so that 11 is a text of 11 pixels."""

LABEL_WIDTH = 120
SHORT_LABEL = 17
"""Characters that fit beside a bar; longer ones stand above it."""

LONGEST_LABEL = 52
ROW = 26
HIGH_ROW = 38
BAR = 14
SMALL = "not shown"


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart: a label, parts from left to right, what its tip adds, what stands beside it."""

    label: str
    parts: tuple[int | None, ...]
    more: str = ""
    beside: str = ""


def bars(title: str, rows: Sequence[Bar], names: Sequence[str], *, most: int | None = None) -> str:
    """Return stacked horizontal bars, one part for each of ``names``."""
    if not rows:
        return _empty(title)
    longest = most or max(sum(part or 0 for part in row.parts) for row in rows) or 1
    above = any(len(row.label) > SHORT_LABEL for row in rows)
    left, high = (0, HIGH_ROW) if above else (LABEL_WIDTH, ROW)
    room = 44 + 7 * max(len(row.beside) for row in rows)
    scale = (WIDTH - left - room) / longest
    drawn = [
        text
        for place, row in enumerate(rows)
        for text in _row(row, names, (left, place * high), scale)
    ]
    label = _spoken(title, [(row.label, _read(row.parts, names)) for row in rows])
    return _svg(label, len(rows) * high + 4, drawn)


def _row(
    row: Bar, names: Sequence[str], corner: tuple[float, float], scale: float
) -> Iterator[str]:
    x, y = corner
    top = y + (20 if x == 0 else (ROW - BAR) / 2)
    shown = row.label
    if len(shown) > LONGEST_LABEL:
        shown = shown[: LONGEST_LABEL - 1].rstrip() + "…"
    yield f"<g><title>{escape(row.label)}: {escape(_read(row.parts, names))}{_more(row)}</title>"
    yield _text(0, y + 14, shown, "start") if x == 0 else _text(x - 8, top + 11, shown, "end")
    for kind, part in enumerate(row.parts):
        width = 4.0 if part is None else part * scale
        if width:
            hatched = " small" if part is None else ""
            yield _rect((x, top), (max(width, 1.5), BAR), f"c{kind}{hatched}")
            x += max(width, 1.5)
    beside = f" {row.beside}" if row.beside else ""
    yield _text(x + 6, top + 11, _total(row.parts) + beside, "start", "number")
    yield "</g>"


def _total(parts: Sequence[int | None]) -> str:
    """Return the sum of what is shown, with a sign where something is not."""
    whole = sum(part or 0 for part in parts)
    if None not in parts:
        return str(whole)
    return f"{whole}+" if whole else "–"


def columns(title: str, rows: Sequence[Bar], names: Sequence[str], height: int = 130) -> str:
    """Return stacked columns from left to right, as for the weeks of a period."""
    if not rows:
        return _empty(title)
    tallest = max([sum(part or 0 for part in row.parts) for row in rows] + [1])
    left, base = 34, height - 22
    step = (WIDTH - left - 6) / len(rows)
    drawn = list(_grid(tallest, left, base))
    for place, row in enumerate(rows):
        drawn += _column(row, names, (left + place * step, step), (base, (base - 10) / tallest))
    drawn += _ends(rows, left, height)
    label = _spoken(title, [(row.label, _read(row.parts, names)) for row in rows])
    return _svg(label, height, drawn)


def _column(
    row: Bar, names: Sequence[str], across: tuple[float, float], up: tuple[float, float]
) -> Iterator[str]:
    (left, step), (y, scale) = across, up
    width = max(2.0, min(step - 2, 26))
    x = left + (step - width) / 2
    yield f"<g><title>{escape(row.label)}: {escape(_read(row.parts, names))}{_more(row)}</title>"
    for kind, part in enumerate(row.parts):
        tall = 4.0 if part is None else part * scale
        if tall:
            y -= tall
            hatched = " small" if part is None else ""
            yield _rect((x, y), (width, tall), f"c{kind}{hatched}")
    yield "</g>"


def funnel(title: str, rows: Sequence[tuple[str, int | None]]) -> str:
    """Return steps that follow one another, each as a share of the first."""
    whole = next((count for _, count in rows if count), 0)
    if not whole:
        return _empty(title)
    return bars(
        title,
        [Bar(label, (count,), beside=_share(count, whole)) for label, count in rows],
        ("cases",),
        most=whole,
    )


def _share(count: int | None, whole: int) -> str:
    return "" if count in {None, whole} else f"({100 * (count or 0) / whole:.0f} %)"


def legend(names: Sequence[str]) -> str:
    """Return what each kind of mark stands for, as a list."""
    keys = "".join(
        f'<li><svg width="12" height="12" aria-hidden="true"><rect class="c{kind}" width="12" '
        f'height="12" rx="3"/></svg>{escape(name)}</li>'
        for kind, name in enumerate(names)
    )
    return f'<ul class="legend">{keys}</ul>'


STYLE = """
text{font:11px "DejaVu Sans","Noto Sans",Roboto,sans-serif;fill:#14212b}
.title{font-size:15px;font-weight:700}.number,.key{fill:#566673}
.grid{stroke:#d9e1e6;fill:none}.c0{fill:#0b7285}.c1{fill:#d9822b}.c2{fill:#b3261e}.c3{fill:#8895a0}
.small{fill-opacity:.35;stroke:#14212b;stroke-width:.5;stroke-dasharray:2 2}
"""
"""The colours of ``console.css`` in light mode, for a picture that stands alone."""

MARGIN = 16


def picture(title: str, drawing: str, names: Sequence[str]) -> str:
    """Return a chart of ours as an image of its own, with its title above and its legend below."""
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    if box is None:
        raise ValueError("not a chart")
    wide, high = int(box[1]), int(box[2])
    placed = drawing.replace(
        "<svg ", f'<svg x="{MARGIN}" y="44" width="{wide}" height="{high}" ', 1
    )
    whole = (wide + 2 * MARGIN, high + 44 + 36)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]} {whole[1]}">'
        f'<style>{STYLE}</style><rect width="{whole[0]}" height="{whole[1]}" fill="#ffffff"/>'
        f"{_text(MARGIN, 28, title, 'start', 'title')}{placed}{''.join(_keys(names, whole[1] - 14))}</svg>"
    )


def _keys(names: Sequence[str], y: float) -> Iterator[str]:
    """Yield the legend of a picture, in a row."""
    x: float = MARGIN
    for kind, name in enumerate(names):
        yield f'<rect class="c{kind}" x="{x}" y="{y - 10}" width="11" height="11" rx="2"/>'
        yield _text(x + 16, y, name, "start", "key")
        x += 34 + 6.4 * len(name)


def _grid(top: float, left: float, base: float) -> Iterator[str]:
    for share in (0, 0.5, 1):
        y = base - share * (base - 10)
        yield f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - 6}"/>'
        if share != 0.5 or top >= 10:  # noqa: PLR2004 - half of a small number says little
            yield _text(left - 6, y + 4, f"{top * share:.0f}", "end", "number")


def _ends(rows: Sequence[Bar], left: float, height: int) -> Iterator[str]:
    yield _text(left, height - 5, rows[0].label, "start")
    if len(rows) > 1:
        yield _text(WIDTH - 6, height - 5, rows[-1].label, "end")


def _rect(corner: tuple[float, float], size: tuple[float, float], kind: str) -> str:
    x, y = corner
    width, height = size
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        'rx="2"/>'
    )


def _text(x: float, y: float, words: str, anchor: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _read(parts: Sequence[int | None], names: Sequence[str]) -> str:
    said = [SMALL if part is None else str(part) for part in parts]
    if len(said) == 1:
        return said[0]
    return ", ".join(f"{name} {number}" for name, number in zip(names, said, strict=True))


def _more(row: Bar) -> str:
    return f" ({escape(row.more)})" if row.more else ""


def _spoken(title: str, rows: Sequence[tuple[str, str]]) -> str:
    return f"{title}: " + "; ".join(f"{label} {said}" for label, said in rows)


def _svg(label: str, height: float, drawn: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )


def _empty(title: str) -> str:
    return f'<p class="empty" aria-label="{escape(title)}: nothing yet">Nothing in this period.</p>'


def arcs(title: str, names: Sequence[str], moves: Mapping[tuple[str, str], str]) -> str:
    """Return boxes below one another with an arc for each move between them.

    Moves down are on the right, moves up on the left; the label of each is its tip.
    """
    place = {name: number for number, name in enumerate(names)}
    gap, middle, half = 40, WIDTH / 2, 52
    drawn = []
    for (source, dest), label in moves.items():
        a, b = place[source] * gap + 18, place[dest] * gap + 18
        side = 1 if b >= a else -1
        x, bend = middle + side * half, 14 + 12 * min(abs(place[dest] - place[source]), 9)
        tip = f"<title>{escape(source)} to {escape(dest)}: {escape(label)}</title>"
        path = f"M{x} {a}C{x + side * bend} {a} {x + side * bend} {b} {x} {b}"
        end = f"M{x + side * 6} {b - 4}L{x} {b}L{x + side * 6} {b + 4}"
        drawn.append(f'<g class="arc">{tip}<path d="{path}"/><path d="{end}"/></g>')
    for name, number in place.items():
        y = number * gap + 4
        drawn.append(
            f'<rect class="box" x="{middle - half}" y="{y}" width="{2 * half}" height="28" rx="8"/>'
        )
        drawn.append(_text(middle, y + 19, name.replace("_", " "), "middle", "name"))
    said = [(f"{source} to {dest}", label) for (source, dest), label in moves.items()]
    return _svg(_spoken(title, said), len(names) * gap, drawn)
