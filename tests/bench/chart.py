"""Charts as SVG text, which needs no more than Python: how many times our time each peer takes, and how cost
grows."""

import datetime
import math
import os
from xml.sax.saxutils import escape

from growth import MOST

COLOURS = {
    "libca": "#5b6770",
    "pyepics": "#3b82c4",
    "aioca": "#2a9d8f",
    "ophyd": "#e0a030",
    "ophyd-async": "#c8553d",
    "bluesky": "#8a5fa8",
    "h5py": "#4a9b3f",
    "codec": "#9aa5ad",
    "empty": "#7d8b99",
    "bare": "#b0886b",
    "told": "#c9a27e",
}
STYLE = ("text{font:12px sans-serif;fill:#222}.small{font-size:10px;fill:#555}.title{font-size:15px;font-weight:bold}"
         ".line{stroke:#ddd}.one{stroke:#222;stroke-width:1.5}")


def write(path, svg):
    with open(path, "w", encoding="utf-8") as out:
        out.write(svg)


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind="line"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def page(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
            f'viewBox="0 0 {width} {height:.0f}"><style>{STYLE}</style>'
            f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def when():
    return f"{datetime.date.today():%d %B %Y}, {os.cpu_count()} cores"


# --- Bars: one for each peer of each bench, from 1, our own time, on a logarithmic scale

LEFT, RIGHT, BAR, GAP, TOP = 190, 60, 11, 9, 76
WIDTH = 860
LEAST, LARGEST = 0.5, 1000


def across(times):
    share = math.log(min(max(times, LEAST), LARGEST) / LEAST) / math.log(LARGEST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def bar(y, peer, times):
    start, end = sorted((across(1), across(times)))
    label = f"{times:.2f}" if times < 10 else f"{times:.0f}"
    return [f'<rect x="{start:.1f}" y="{y:.1f}" width="{max(end - start, 0.5):.1f}" height="{BAR - 1}" '
            f'fill="{COLOURS[peer]}"/>', text(max(end, across(1)) + 4, y + BAR - 2, label, kind="small")]


def legend(results):
    parts, x = [], 12
    for peer in COLOURS:
        if any(peer in result.ratios for result in results):
            parts += [f'<rect x="{x}" y="44" width="11" height="11" fill="{COLOURS[peer]}"/>', text(x + 15, 54, peer)]
            x += 30 + 7 * len(peer)
    return parts


def readable(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def bars(results):
    results = [result for result in results if result.ratios]
    rows, y = [], TOP
    for result in results:
        height = BAR * len(result.ratios)
        rows.append(text(LEFT - 8, y + height / 2 + 4, f"{result.name}  {readable(result.median('ours'))} "
                         f"{result.bench.unit}", "end"))
        for peer in result.ratios:
            rows += bar(y, peer, 1 / result.ratio(peer))
            y += BAR
        y += GAP
    grid = []
    for times in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        grid += [line(across(times), TOP - 6, across(times), y, "one" if times == 1 else "line"),
                 text(across(times), TOP - 10, f"{times:g}", "middle", "small")]
    return page(WIDTH, y + 10, [
        text(12, 22, "How many times cophyd's time or memory the others take", kind="title"),
        text(12, 40, f"medians of paired rounds over loopback; beside each bench what cophyd takes; {when()}",
             kind="small"), *legend(results), *grid, *rows])


# --- Growth: a small chart each, both axes logarithmic

PANEL, PLOT, COLUMNS = 270, 170, 3


def panel(left, top, one):
    sizes, seconds = one.growth.sizes, one.seconds
    low, high = math.log10(min(seconds)) - 0.2, math.log10(max(seconds)) + 0.2
    plot_left, plot_top, plot_width = left + 52, top + 40, PANEL - 76

    def place(size, second):
        x = (math.log(size) - math.log(sizes[0])) / (math.log(sizes[-1]) - math.log(sizes[0]))
        return plot_left + x * plot_width, plot_top + PLOT * (high - math.log10(second)) / (high - low)

    parts = [text(left + 12, top + 14, f"{one.growth.of}"),
             text(left + 12, top + 29, f"exponent {one.slope:.2f}, of the last half {one.late:.2f}", kind="small")]
    for power in range(math.ceil(low), math.floor(high) + 1):
        _, y = place(sizes[0], 10 ** power)
        name = f"{10 ** power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms" if power >= -3 else \
            f"{10 ** (power + 6):g} us"
        parts += [line(plot_left, y, plot_left + plot_width, y), text(plot_left - 5, y + 4, name, "end", "small")]
    for size in sizes:
        x, _ = place(size, seconds[0])
        parts += [line(x, plot_top, x, plot_top + PLOT), text(x, plot_top + PLOT + 14, f"{size}", "middle", "small")]
    ends = [place(size, one.factor * size ** one.slope) for size in (sizes[0], sizes[-1])]
    colour = "#c8553d" if one.verdict() == "over" else "#3b82c4"
    parts.append(f'<line x1="{ends[0][0]:.1f}" y1="{ends[0][1]:.1f}" x2="{ends[1][0]:.1f}" y2="{ends[1][1]:.1f}" '
                 f'stroke="{colour}" stroke-width="1.5"/>')
    parts += ['<circle cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"/>'.format(*place(*point), colour)
              for point in zip(sizes, seconds)]
    return parts


def growth(grown):
    parts = [text(12, 22, "How cophyd's own CPU time grows", kind="title"),
             text(12, 40, f"against the number of each; 1 is in proportion, more than {MOST} would be red; {when()}",
                  kind="small")]
    for i, one in enumerate(grown):
        parts += panel(i % COLUMNS * PANEL, 54 + i // COLUMNS * (PLOT + 76), one)
    return page(COLUMNS * PANEL + 20, 60 + math.ceil(len(grown) / COLUMNS) * (PLOT + 76), parts)
