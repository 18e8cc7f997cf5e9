"""Plots as SVG text: bars of named values, and lines over a number."""

import math

WIDTH, MARGIN = 860, 70
COLOURS = ("#2471a3", "#c0392b", "#1e8449", "#7d3c98", "#b9770e", "#5d6d7e", "#148f77", "#a04000", "#34495e")
BAR, NAMES = 22, 290
# Among peers, the one that the eye is to find.
OURS, OUR_COLOUR, PEERS_COLOUR = "portguard", "#c0392b", "#9aa5b1"


class Scale:
    """From values to places on the paper; of a log scale, `low` is above 0."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool = False) -> None:
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        share = (math.log(value / self.low) / math.log(self.high / self.low) if self.log
                 else (value - self.low) / (self.high - self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if len(decades) < 5 else (1,)
            found = [step * 10.0 ** decade for decade in decades for step in steps]
        else:
            step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
            step *= next(more for more in (1, 2, 5, 10) if (self.high - self.low) / (step * more) <= 8)
            found = [index * step for index in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [tick for tick in found if self.low <= tick <= self.high]


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def escape(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str = 'stroke="#ddd"') -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def paper(height: float, title: str, parts: list[str]) -> str:
    head = [f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
            text(WIDTH / 2, 28, title, more='font-size="16"')]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'font-family="sans-serif" font-size="12">\n' + "\n".join(head + parts) + "\n</svg>\n")


def span(values: list[float], log: bool, base: float = 0) -> tuple[float, float]:
    """Log: whole decades would waste half the paper; linear: `base` is on it."""
    if log:
        return 0.8 * min(values), 1.25 * max(values)
    low, high = min(base, *values), max(base, *values)
    margin = 0.05 * (high - low) or 0.5
    return (low if low == 0 else low - margin), high + margin


def bars(title: str, unit: str, groups: dict[str, dict[str, tuple[float, float, float]]], log: bool = False,
         base: float = 0) -> str:
    """For each group and name: low, middle and high; the bar goes from `base` to the middle, a whisker from low to
    high. What is not above 0 has no place on a log axis, and is said."""
    places = [place for group in groups.values() for place in group.values()]
    everything = [value for place in places for value in place if not log or value > 0]
    low, high = span(everything or [1.0], log, base)
    scale = Scale(low, high, NAMES, WIDTH - MARGIN, log)
    height = 100 + BAR * (len(places) + 1.4 * len(groups))
    parts = []
    for tick in scale.ticks():
        parts += [line(scale(tick), 46, scale(tick), height - 50), text(scale(tick), height - 34, number(tick))]
    parts.append(text((NAMES + WIDTH - MARGIN) / 2, height - 12, unit + (" (log)" if log else "")))
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    y = 50.0
    for group, rows in groups.items():
        parts.append(text(14, y + 15, group, "start", 'font-weight="bold"'))
        y += BAR
        for name, row in rows.items():
            parts += (bar(y, name, row, scale, base, colour_of(name, names)) if not log or row[1] > 0
                      else unmeasurable(y, name))
            y += BAR
        y += 0.4 * BAR
    return paper(height, title, parts)


def is_ours(name: str) -> bool:
    """Also "portguard, before"."""
    return name.partition(",")[0] == OURS


def colour_of(name: str, names: list[str]) -> str:
    return PEERS_COLOUR if any(map(is_ours, names)) and not is_ours(name) else OUR_COLOUR


def unmeasurable(y: float, name: str) -> list[str]:
    return [text(NAMES - 8, y + 13, name, "end"), text(NAMES + 6, y + 13, "too little to be measured", "start")]


def bar(y: float, name: str, row: tuple[float, float, float], scale: Scale, base: float, colour: str) -> list[str]:
    left, right = sorted((scale(base), scale(row[1])))
    middle = y + BAR / 2 - 2
    whisker = 'stroke="black" stroke-width="1.5"'
    return [text(NAMES - 8, y + 13, name, "end"),
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{max(right - left, 1):.1f}" height="{BAR - 5}" fill="{colour}"/>',
            line(scale(row[0]), middle, scale(row[2]), middle, whisker),
            text(max(right, scale(row[2])) + 6, y + 13, number(row[1]), "start")]


def lines(title: str, x_name: str, y_name: str, series: dict[str, list[tuple[float, float]]],
          log_x: bool = False, log_y: bool = False, legend: tuple[float, float] = (0.02, 0.02)) -> str:
    """Each series as a line through its points, marked on the x axis where there are few; `legend` is how far right
    and down the legend stands, as shares."""
    height = 480
    points = [point for row in series.values() for point in row]
    xs = [x for x, _ in points]
    low, high = span([y for _, y in points], log_y)
    x_scale = Scale(min(xs), max(xs), MARGIN, WIDTH - MARGIN, log_x)
    y_scale = Scale(low, high, height - MARGIN, MARGIN, log_y)
    parts = [text(WIDTH / 2, height - 18, x_name + (" (log)" if log_x else "")),
             text(18, height / 2, y_name + (" (log)" if log_y else ""),
                  more=f'transform="rotate(-90 18 {height / 2:.0f})"')]
    for tick in sorted(set(xs)) if len(set(xs)) < 8 else x_scale.ticks():
        parts += [line(x_scale(tick), MARGIN, x_scale(tick), height - MARGIN),
                  text(x_scale(tick), height - MARGIN + 18, number(tick))]
    for tick in y_scale.ticks():
        parts += [line(MARGIN, y_scale(tick), WIDTH - MARGIN, y_scale(tick)),
                  text(MARGIN - 8, y_scale(tick) + 4, number(tick), "end")]
    left = MARGIN + legend[0] * (WIDTH - 2 * MARGIN)
    top = MARGIN + 12 + legend[1] * (height - 2 * MARGIN)
    for index, (name, row) in enumerate(series.items()):
        style = (f'fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2"'
                 + (' stroke-dasharray="6 4"' if index >= (len(series) + 1) // 2 and len(series) > 4 else ""))
        path = " ".join(f"{x_scale(x):.1f},{y_scale(y):.1f}" for x, y in row)
        parts += [f'<polyline points="{path}" {style}/>', line(left, top - 4, left + 30, top - 4, style),
                  text(left + 38, top, name, "start")]
        top += 18
    return paper(height, title, parts)
