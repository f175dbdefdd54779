"""Plots, by gnuplot(1): cost over window, room size and message size; bars for the peers."""

import math
import os
import shutil
import subprocess

from .shapes import CPU, MEMBERS, SIZES, WINDOWS

PREAMBLE = """set terminal {terminal}
set output "{output}"
set title "{title}"
set ylabel "{ylabel}"
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
"""
TERMINALS = {"svg": "svg noenhanced size 800,480 font 'sans,12' background '#ffffff'",
             "png": "pngcairo noenhanced size 1200,720 font 'sans,16'"}
COLOURS = ("#c1272d", "#0000a7", "#8a8a8a", "#c8c8c8", "#eecc16", "#008176", "#b35900", "#8e44ad",
           "#5aa9e6", "#4d7c0f", "#d16ba5")


def lines(results, servers, points):
    """[(title, [(x, y)])] for `points`, [(x, shape)]; servers without a number are left out."""
    out = []
    for server in servers:
        numbers = [(x, results.median(shape, server.name, CPU)) for x, shape in points]
        numbers = [(x, y) for x, y in numbers if y is not None]
        if len(numbers) > 1:
            out.append((server.title, numbers))
    return out


def room_points(window):
    """Shapes over the number of members."""
    return [(m, f"{m} members, window {window}" if m != 1000 else f"window {window}") for m in MEMBERS]


def line_script(curves, xlabel):
    """A plot with both axes logarithmic."""
    script = [f'set xlabel "{xlabel}"', "set logscale xy", "set key outside right"]
    for index, (_, numbers) in enumerate(curves):
        script += [f"$c{index} << EOD", *[f"{x} {y}" for x, y in numbers], "EOD"]
    parts = [f'$c{i} with linespoints lw 2 lc rgb "{COLOURS[i % len(COLOURS)]}" title "{title}"'
             for i, (title, _) in enumerate(curves)]
    return "\n".join(script + ["plot " + ", ".join(parts)])


def bar_script(bars):
    """One bar a server, the least first. The axis is logarithmic, and begins well below the least."""
    bars = sorted(bars, key=lambda b: b[1])
    bottom = 10 ** (math.ceil(math.log10(bars[0][1])) - 2)
    script = ["set style fill solid 0.8", "set boxwidth 0.6", "set xtics rotate by -30", "unset key",
              "set logscale y", f"set yrange [{bottom}:*]", "$bars << EOD", *[f'"{t}" {y}' for t, y in bars], "EOD",
              "plot $bars using 0:2:xtic(1) with boxes lc rgb '#4878a8', "
              "'' using 0:2:(sprintf($2 < 100 ? '%.1f' : '%.0f', $2)) with labels offset 0,0.6"]
    return "\n".join(script)


def bars_of(results, servers, shape, value, factor=1.0):
    """[(title, number)]"""
    numbers = [(s.title, results.median(shape, s.name, value)) for s in servers]
    return [(title, n * factor) for title, n in numbers if n]


def all_plots(results, servers):
    """[(name, title, y label, script)]"""
    ns = "server CPU per delivery, ns"
    plots = [
        ("window", "1000 members: cost over messages in flight", ns,
         line_script(lines(results, servers, [(w, f"window {w}") for w in WINDOWS]), "window")),
        ("members", "64 messages in flight: cost over room size", ns,
         line_script(lines(results, servers, room_points(64)), "members")),
        ("members-1", "one message in flight: cost over room size", ns,
         line_script(lines(results, servers, room_points(1)), "members")),
        ("size", "1000 members, 16 in flight: cost over message size", ns,
         line_script(lines(results, servers, [(s, f"{s} bytes") for s in SIZES if s != 64]
                           + [(64, "window 16")]), "bytes of text")),
    ]
    for name, title, label, shape, value, factor in (
            ("headline", "1000 members, 64 in flight", ns, "window 64", CPU, 1.0),
            ("many", "1000 rooms of 10, everybody talks", ns, "1000 rooms of 10", CPU, 1.0),
            ("idle", "19,000 idle connections", "resident bytes of each", "19000 idle",
             "rss_per_connection", 1.0),
            ("latency", "1000 members, 50 messages a second", "p99, ms", "50 messages a second",
             "latency.p99", 1e-6)):
        bars = bars_of(results, servers, shape, value, factor)
        if len(bars) > 1:
            plots.append((name, title, label, bar_script(bars)))
    return plots


def draw(results, servers, folder, prefix):
    """Writes PREFIX-NAME.svg and .png for each plot; returns the names of the SVGs."""
    if not shutil.which("gnuplot"):
        return []
    names = []
    for name, title, label, script in all_plots(results, servers):
        if script.endswith("plot "):
            continue  # nothing to draw
        for kind, terminal in TERMINALS.items():
            output = os.path.join(folder, f"{prefix}-{name}.{kind}")
            head = PREAMBLE.format(terminal=terminal, output=output, title=title, ylabel=label)
            subprocess.run(["gnuplot"], input=head + script + "\n", text=True, check=True)
        names.append(f"{prefix}-{name}.svg")
    return names
