"""The table and the verdicts, in Markdown."""

from .shapes import CPU, all_goals


def show(number, value):
    """A number with its unit."""
    if number is None:
        return ""
    if "latency" in value or "quiet" in value:
        return f"{number / 1e6:.2f} ms"
    if value == "deliveries_per_s":
        return f"{number / 1e6:.2f} M"
    if value.startswith("rss") and "per" not in value or value == "rss":
        return f"{number / 2**20:.1f} MiB"
    if value == "rss_per_connection" or value == "kernel_per_connection":
        return f"{number:.0f} B"
    if "syscalls" in value:
        return f"{number:.3f}"
    return f"{number:.0f} ns" if number >= 100 else f"{number:.1f} ns"


def cell(results, shape, server, value):
    """median (least to most)"""
    median = results.median(shape, server, value)
    if median is None:
        return results.failures.get(shape, {}).get(server) and "failed" or ""
    low, high = results.spread(shape, server, value)
    return f"{show(median, value)} ({show(low, value).split()[0]}–{show(high, value).split()[0]})"


def table(results, servers, columns):
    """columns: [(heading, shape, value)]. Rows without a number are left out."""
    lines = ["| server | " + " | ".join(c[0] for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for server in servers:
        cells = [cell(results, shape, server.name, value) for _, shape, value in columns]
        if any(cells):
            lines.append(f"| {server.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def least_of_peers(results, servers, goal):
    """(number, title) of the best peer, or (None, None)"""
    numbers = [(results.median(goal.shape, s.name, goal.value), s.title) for s in servers if not s.ours]
    numbers = [n for n in numbers if n[0] is not None]
    return min(numbers) if numbers else (None, None)


def bound_of(results, servers, goal, itself):
    """(the number that `itself` must not exceed, what it is in words); (None, ...) if not measured"""
    if goal.other is None:
        return goal.factor, f"at most {show(goal.factor, goal.value)}"
    if goal.other == "peers":
        number, title = least_of_peers(results, servers, goal)
    else:
        name = itself if goal.other == "itself" else goal.other
        number = results.median(goal.other_shape, name, goal.value)
        title = next((s.title for s in servers if s.name == name), name)
        title += "" if goal.other_shape == goal.shape else f", {goal.other_shape}"
    if number is None:
        return None, ""
    return number * goal.factor, f"{goal.factor:g} × {title} ({show(number, goal.value)})"


def goals(results, servers):
    """The limits one by one: (rows, those of them that are missed). What was not measured is left
    out."""
    rows, missed = [], []
    for goal in all_goals():
        for name in goal.servers:
            bound, words = bound_of(results, servers, goal, name)
            number = results.median(goal.shape, name, goal.value)
            if number is None or bound is None:
                continue
            row = (f"| {goal.shape} | {goal.value} | {name} | {show(number, goal.value)} | {words} | "
                   f"{number / bound:.2f} |")
            if number > bound:
                missed.append(row)
            rows.append(f"{row} {'yes' if number <= bound else '**no**'} |")
    return rows, missed


HEADLINES = [
    ("What a delivery costs: 1000 members, 64 bytes, server CPU", [
        ("window 1", "window 1", CPU), ("window 64", "window 64", CPU),
        ("deliveries/s at 64", "window 64", "deliveries_per_s"),
        ("system calls at 64", "window 64", "syscalls_per_delivery")]),
    ("19,000 members, and many small rooms", [
        ("window 1", "19000 members, window 1", CPU), ("window 64", "19000 members, window 64", CPU),
        ("1000 rooms of 10, all talk", "1000 rooms of 10", CPU)]),
    ("Latency", [
        ("50 messages/s to 1000, p50", "50 messages a second", "latency.p50"),
        ("p99", "50 messages a second", "latency.p99"),
        ("2 beside 10,000 at full load, p99", "quiet room", "quiet.p99")]),
    ("19,000 connections", [
        ("resident memory of each", "19000 idle", "rss_per_connection"),
        ("kernel memory, both ends", "19000 idle", "kernel_per_connection"),
        ("CPU to come in", "19000 come", "cpu_ns_per_connection")]),
    ("A tenth of 1000 members does not read", [
        ("p99, none stalled", "nobody stalled", "latency.p99"),
        ("p99, a tenth stalled", "a tenth stalled", "latency.p99"),
        ("resident at most", "a tenth stalled", "rss_peak")]),
]


def markdown(results, servers, facts, settings, missing, plots):
    """The whole report."""
    out = [f"# Results of {settings['date']}\n",
           f"Commit `{facts['commit']}`, {facts['cpu']}, {facts['memory_gib']} GiB, {facts['system']}, "
           f"kernel {facts['kernel']}. {settings['rounds']} rounds, interleaved, {settings['seconds']} s a "
           "run; server and load on a CPU each. Medians, in brackets the least and the most. Ratios count: "
           "another machine has other nanoseconds.\n"]
    for title, columns in HEADLINES:
        text = table(results, servers, columns)
        if text.count("\n") > 2:
            out += [f"## {title}\n", text]
    rows, missed = goals(results, servers)
    if missed:
        out += ["## Where the hub loses\n", "| load | value | backend | is | limit | of the limit |",
                "|---" * 6 + "|", *missed, ""]
    out += [f"## Limits that the hub has set itself: {len(rows) - len(missed)} met, {len(missed)} missed\n",
            "| load | value | backend | is | limit | of the limit | met |", "|---" * 7 + "|", *rows, ""]
    if plots:
        out += ["## Plots\n", *[f"![{p}]({p})" for p in plots], ""]
    out += ["## Who took part\n", "| server | version |", "|---|---|"]
    out += [f"| {s.title} | {s.version or facts['commit']} |" for s in servers]
    if missing:
        out.append("\nNot installed: " + ", ".join(f"{n} ({p})" for n, p in missing.items()) + ".")
    failures = [f"* {shape}, {server}: {why[:160]}" for shape, by in results.failures.items()
                for server, why in by.items()]
    if failures:
        out += ["\n## What failed\n", *failures]
    return "\n".join(out) + "\n"
