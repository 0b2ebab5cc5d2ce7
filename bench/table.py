"""The figures as a page: one table per corpus and operation, and at the end the targets that stand alone."""
import statistics

import support
import targets
from corpora import DESCRIPTIONS

MIB = 1 << 20
SYSTEMS = ["rbbackup", "rbbackup-tls", "rbbackup-1core", "limit", "write", "rsync", "restic", "borg"]


class Results:
    """`rows`: "corpus/operation/system" -> the figures of each run, as dictionaries."""

    def __init__(self, rows):
        self.rows = rows

    def median(self, corpus, operation, system, field="seconds"):
        known = [run[field] for run in self.rows.get(f"{corpus}/{operation}/{system}", []) if run.get(field) is not None]
        return statistics.median(known) if known else None

    def peak(self, field):
        known = [(run[field], key) for key, runs in self.rows.items() for run in runs
                 if key.split("/")[2].startswith("rbbackup") and run.get(field) is not None]
        return max(known) if known else (None, None)


def seconds(value):
    return "" if value is None else f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def mib(value):
    return "" if value is None else f"{value:.0f} MiB"


def size(value):
    if value is None:
        return "unknown"
    return f"{value / 1e6:,.1f} MB" if value >= 1e5 else f"{value / 1e3:,.1f} kB"


def name_of(system, operation):
    if system in ("limit", "write"):
        return targets.LIMIT_NAMES.get("write" if system == "write" else operation, system)
    return {"rbbackup": "**rbbackup**", "rbbackup-tls": "rbbackup over TLS", "rbbackup-1core": "rbbackup, one core"}.get(system, system)


def judged(ratio, at_most):
    """The ratio, and whether it is what was asked for."""
    if ratio is None:
        return "", ""
    if at_most is None:
        return f"{ratio:.2f}", ""
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}", f"{at_most:g}{'' if ratio <= at_most else ' **missed**'}"


def operation_table(results, corpus, operation):
    lines = [f"### {targets.OPERATION_NAMES[operation]}", "",
             "| | time | rbbackup takes | at most | CPU | client | server | wire | repository |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    ours = results.median(corpus, operation, "rbbackup")
    for system in SYSTEMS:
        time = results.median(corpus, operation, system)
        if time is None:
            continue
        of = lambda field: results.median(corpus, operation, system, field)
        is_peer = system not in ("rbbackup", "rbbackup-1core", "rbbackup-tls")
        ratio = ours / time if ours and is_peer else None
        text, limit = judged(ratio, targets.RATIOS.get(operation, {}).get(system, {}).get(corpus))
        wire = size(of("wire_bytes")) if system not in ("limit", "write") and operation != "restore" else ""
        if system == "borg":
            wire = "local"
        repository = of("repository_bytes")
        lines.append(f"| {name_of(system, operation)} | {seconds(time)} | {text} | {limit} | {of('cpu_seconds'):.2f} s | "
                     f"{mib(of('client_mib'))} | {mib(of('server_mib'))} | {wire} | {size(repository) if repository else ''} |")
    return lines + [""]


def single_targets(results):
    """Rows of (what, figure, at most, met) for targets that are no ratio within one table."""
    median, rows = results.median, []

    def add(what, value, at_most, show):
        if value is not None:
            rows.append((what, show(value), show(at_most), value <= at_most))

    def ratio(a, b):
        return a / b if a is not None and b else None
    plain = lambda value: f"{value:.2f}"
    for system, by_corpus in targets.SIZES.items():
        for corpus, at_most in by_corpus.items():
            other = "the `tar \\| zstd -1` file" if system == "limit" else system
            add(f"repository of {corpus}, against {other}",
                ratio(median(corpus, "first", "rbbackup", "repository_bytes"),
                      median(corpus, "first", system, "repository_bytes")), at_most, plain)
    for corpus, at_most in targets.UNCHANGED_SECONDS.items():
        add(f"nothing changed, {corpus}", median(corpus, "unchanged", "rbbackup"), at_most, seconds)
    for corpus, at_most in targets.CHANGED_AGAINST_UNCHANGED.items():
        add(f"1% changed against nothing changed, {corpus}",
            ratio(median(corpus, "changed", "rbbackup"), median(corpus, "unchanged", "rbbackup")), at_most, plain)
    for corpus in ("source", "random"):
        add(f"TLS against the Unix socket, first backup of {corpus}",
            ratio(median(corpus, "first", "rbbackup-tls"), median(corpus, "first", "rbbackup")),
            targets.TLS_AGAINST_SOCKET, plain)
    # Over TLS all bytes of the connection count, both ways; over the socket only the blocks are known.
    add("bytes on the wire after overwriting, against the bytes overwritten",
        ratio(median("image", "overwritten", "rbbackup-tls", "wire_bytes"),
              median("image", "overwritten", "rbbackup-tls", "changed_bytes")), targets.SENT_AGAINST_OVERWRITTEN, plain)
    add("bytes on the wire after inserting 1 MiB", median("image", "inserted", "rbbackup-tls", "wire_bytes"),
        targets.SENT_INSERTED, size)
    add("bytes on the wire for one file among a million", median("million", "one", "rbbackup-tls", "wire_bytes"),
        targets.SENT_ONE_OF_A_MILLION, size)
    for field, what in (("client_mib", "client"), ("server_mib", "server")):
        value, where = results.peak(field)
        add(f"peak memory of the {what} ({where})", value, targets.PEAK_MIB, mib)
    return rows


def cores_table(results):
    lines = []
    for corpus in DESCRIPTIONS:
        for operation in ("first", "restore"):
            one, two = (results.median(corpus, operation, s) for s in ("rbbackup-1core", "rbbackup"))
            if one and two:
                lines.append(f"| {corpus}, {targets.OPERATION_NAMES[operation].lower()} | {seconds(one)} | {seconds(two)} | {one / two:.2f} |")
    return ["## One core and two", "", "| | one | two | times faster |", "|---|---:|---:|---:|", *lines, ""] if lines else []


def page(results, notes):
    lines = ["# Results of `make bench`", "", f"{support.machine()}. {notes}", "",
             "![times against rbbackup's](../docs/images/bench.svg)", "",
             "Medians; client and server on this machine and both counted; page cache warm unless a row says cold; every row "
             "through the `sync` after it. *rbbackup takes* is rbbackup's time as a part of the row's. *CPU* is of client and "
             "server. *client* and *server* are peaks of resident memory, the server's since it was started. *wire*: what the "
             "loopback device carried, both ways with all headers; for rbbackup over its Unix socket the blocks alone. *repository*: the lengths of its files, for rbbackup without the "
             "64 MiB that it keeps in reserve for a full disk. restic "
             "and borg encrypt and compress, rsync does neither and keeps no history, rbbackup compresses.", ""]
    for corpus, description in DESCRIPTIONS.items():
        operations = [o for o in targets.OPERATION_NAMES if results.median(corpus, o, "rbbackup") or results.median(corpus, o, "rbbackup-tls")]
        if operations:
            lines += [f"## {corpus}: {description}", ""]
            for operation in operations:
                lines += operation_table(results, corpus, operation)
    lines += cores_table(results)
    rows = single_targets(results)
    if rows:
        lines += ["## Other targets", "", "| | figure | at most | |", "|---|---:|---:|---|"]
        lines += [f"| {what} | {value} | {at_most} | {'met' if met else '**missed**'} |" for what, value, at_most, met in rows]
    return "\n".join(lines) + "\n"
