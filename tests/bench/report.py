"""Results as tables, and beside those of another run."""

import json

from measure import middle_half, short


def number(value):
    return "-" if value is None else f"{value:.4g}"


def row(result):
    first, *others = result.bench.peers
    spread = ""
    if first in result.ratios:
        spread = " [{:.2f} {:.2f}]".format(*middle_half(result.ratios[first]))
    return [result.name, result.bench.unit, number(result.median("ours")), number(result.median(first)),
            number(result.ratio(first)) + spread, *(number(result.ratio(peer)) for peer in others),
            result.bound(), result.verdict()]


def columns(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def one_table(results):
    first, *others = results[0].bench.peers
    header = ["bench", "unit", "ours", first, f"to {first}", *(f"to {peer}" for peer in others), "bound", ""]
    columns([header] + [row(result) for result in results])
    for result in results:
        for sentence in result.slow_sides():
            print(f"{result.name}: {sentence}")


def table(results):
    """One for each set of sides, in their order."""
    groups = {}
    for result in results:
        groups.setdefault(tuple(result.bench.sides), []).append(result)
    for group in groups.values():
        one_table(group)


def compare(results, path):
    """The ratios of an earlier run's bench.json beside these: whether their spreads meet."""
    with open(path, encoding="utf-8") as lines:
        before = {(line["bench"], line["peer"]): line for line in map(json.loads, lines) if "bench" in line}
    rows = [["bench", "peer", "then", "now", "spread then", "spread now", ""]]
    for result in results:
        for peer, ratios in result.ratios.items():
            old = before.get((result.name, peer))
            if not old:
                continue
            (low, high), (first, last) = middle_half(ratios), old["spread"]
            meet = low <= last and first <= high
            rows.append([result.name, peer, number(old["ratio"]), number(result.ratio(peer)), f"{first:g} {last:g}",
                         f"{short(low):g} {short(high):g}", "" if meet else "apart"])
    columns(rows)
