#!/usr/bin/env python3
"""What TLS costs: first backups over TLS on the loopback device against the same over the Unix socket, in pairs.

    transport.py BIN [--runs N] [--mib N] [--work DIR]
"""
import argparse
import os
import pathlib
import statistics
import subprocess

import bare_stream
import support

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--runs", type=int, default=9)
parser.add_argument("--mib", type=int, default=1024)
parser.add_argument("--work", type=pathlib.Path)
options = parser.parse_args()
BIN = options.bin.resolve()
LIMIT = 1.15


def source_tree(work):
    archives = sorted(pathlib.Path("/usr/src").glob("linux-source-6.1.tar.xz"))
    if not archives:
        return None
    tree = work / "source"
    tree.mkdir()
    subprocess.run(["tar", "-C", tree, "-xJf", archives[0]], check=True)
    return tree


def first_backup(work, name, tree, tls, port):
    """Seconds of a first backup into a new repository, through a sync."""
    server = support.Server(work, BIN, work / name, listen=f"127.0.0.1:{port}")
    client = support.Client(work, BIN, name, server=None if tls else f"unix:{server.socket}")
    if tls:
        client.join(server.invite("node"))
    os.sync()
    summary, seconds = client.backup("-r", tree)
    assert summary["bytes_sent"] > 0
    server.stop()
    subprocess.run(["rm", "-rf", server.directory], check=True)
    return seconds, summary["bytes_sent"]


def compare(work, name, tree):
    subprocess.run(f"find {tree} -type f -print0 | xargs -0 cat > /dev/null", shell=True, check=True)  # warm
    pairs = []
    for run in range(options.runs):
        seconds = {}
        # The one that goes first alternates: what the disk is still busy with must not always hit the same.
        for tls in ([False, True] if run % 2 == 0 else [True, False]):
            seconds[tls], sent = first_backup(work, f"{name}{run}{'tls' if tls else 'unix'}", tree, tls, 4434)
        pairs.append((seconds[False], seconds[True]))
        print(f"{name}: socket {seconds[False]:.2f} s, TLS {seconds[True]:.2f} s, {seconds[True] / seconds[False]:.3f}",
              flush=True)
    return pairs, sent


with support.Work(options.work) as scratch:
    random_tree = scratch / "random"
    support.make_files(random_tree, 2, support.mixed_sizes(options.mib * support.MIB))
    trees = {f"{options.mib} MiB, incompressible": random_tree}
    if source := source_tree(scratch):
        trees["the Linux source tree"] = source
    lines = ["First backups on one machine, page cache warm, client and server on the same cores: TLS 1.3 on the loopback "
             "device against the Unix socket, in pairs.", "",
             "| tree | Unix socket | TLS | ratio (median of pairs) | of a bare stream | at most |",
             "|---|---:|---:|---:|---:|---:|"]
    missed = []
    bare = bare_stream.measure()
    more_per_gb = bare["tls"] - bare["unix"]
    for number, (title, tree) in enumerate(trees.items()):
        pairs, sent = compare(scratch, f"tree{number}-", tree)
        ratio = statistics.median(b / a for a, b in pairs)
        alone = statistics.median(a for a, _ in pairs)
        of_bare = 1 + more_per_gb * sent / 1e9 / os.cpu_count() / alone
        if ratio > max(LIMIT, of_bare):
            missed.append(f"{ratio:.3f} is more than {LIMIT}, and than a bare stream's {of_bare:.3f}: {title}")
        lines.append(f"| {title} | {alone:.2f} s | {statistics.median(b for _, b in pairs):.2f} s | **{ratio:.3f}** | "
                     f"{of_bare:.3f} | {LIMIT} |")
    lines += ["", "Of a bare stream: what the ratio would be if nothing came on top of what the machine takes to move so many bytes "
              f"from one process to another over TLS 1.3 (AES-128-GCM, full segments: {bare['tls']:.2f} core-seconds per GB, "
              f"`bench/bare_stream.py`) rather than over a Unix socket ({bare['unix']:.2f}), spread over all cores."]
    support.write_section("transport", "TLS against the Unix socket", lines)
if missed:
    support.fail("; ".join(missed))
