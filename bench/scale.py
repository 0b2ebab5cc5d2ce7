#!/usr/bin/env python3
"""Repositories of many objects: prune, gc, check, start, rebuild, scrub, and backups beside a collection.

A repository of N objects and one of a tenth of it (four nodes, 1,000 snapshots; bench/repository_generator.cc), small
chunks so that they fit a disk; and one of 256 KiB chunks for what goes by bytes. Everything that is said to grow no faster
than the repository is measured in both.

    scale.py BIN [--objects N] [--runs N] [--pairs N] [--mib N] [--part objects|bytes] [--work DIR]

Root, for the page cache is dropped before what reads packs. 10 million objects take about 40 GB of disk.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time

import support

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--objects", type=int, default=10_000_000)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--pairs", type=int, default=5, help="of backups with and without a collection, of scrub and cat")
parser.add_argument("--mib", type=int, default=4096, help="the repository of large chunks")
parser.add_argument("--part", choices=["objects", "bytes"], help="only this")
parser.add_argument("--work", type=pathlib.Path)
options = parser.parse_args()
BIN = options.bin.resolve()
PORT = 4437
STEPS = ["start", "prune", "gc", "check", "first backup", "unchanged backup", "restore"]
LIMIT_SECONDS, LIMIT_MIB, LIMIT_GROWTH, LIMIT_SLOWER, LIMIT_SCRUB, LIMIT_REBUILD = 60, 512, 11, 1.15, 0.8, 500e6
OBJECTS_A_FILE = 100  # the tree that is backed up has a file for so many objects of the repository
LARGE_CHUNK = 256 << 10
SLOWED_MIB = 2048

support.RESULTS = pathlib.Path(__file__).parent / "results-scale.md"


class Step:
    """What a program took: seconds, peak memory in MiB, and what it said."""

    def __init__(self, *words):
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            began = time.monotonic()
            process = subprocess.Popen(list(map(str, words)), stdout=out, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            self.mib = usage.ru_maxrss / 1024
            out.seek(0), err.seek(0)
            self.out, self.err = out.read(), err.read()
        if process.returncode != 0:
            support.fail(f"{' '.join(map(str, words))}: exit {process.returncode}: {self.err}")

    def answer(self):
        return json.loads(self.out.splitlines()[-1])


def verb(repository, *words):
    return Step(BIN / "rbbackupd", repository, *words, "--json")


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def say(text):
    print(text, flush=True)


def pack_files(repository):
    return sorted((repository / "packs").glob("*.pack"))


def pack_bytes(repository):
    return sum(pack.stat().st_size for pack in pack_files(repository))


def generate(directory, *words):
    made = Step(BIN / "repository_generator", directory, *words)
    say(f"generated {directory.name} in {made.seconds:.0f} s, {made.mib:.0f} MiB: {made.out.strip()}")


def rebuild(repository):
    """Seconds and peak memory of a start without a catalog, packs not in the page cache."""
    (repository / "catalog").rename(repository.parent / "old-catalog")
    subprocess.run(["rm", "-rf", repository.parent / "old-catalog"], check=True)
    drop_caches()
    done = verb(repository, "gc", "--dry-run")
    seconds = float(re.search(r"rebuilt the catalog .* in ([0-9.]+) s", done.err).group(1))
    say(f"rebuild of {repository.name}: {seconds:.1f} s, {pack_bytes(repository) / seconds / 1e6:.0f} MB/s, {done.mib:.0f} MiB")
    return seconds, done.mib


class Measured:
    """All steps in a repository of so many objects: lists of seconds, and the highest peak of the server, by step."""

    def __init__(self, work, objects):
        self.objects, self.repository = objects, work / f"of{objects}"
        self.seconds = {step: [] for step in STEPS}
        self.mib = dict.fromkeys(STEPS, 0.0)
        generate(self.repository, "--objects", objects)
        tree = work / f"tree{objects}"
        support.make_files(tree, objects, [1024] * (objects // OBJECTS_A_FILE))
        for run in range(options.runs):
            for name in ("prune", "gc", "check"):
                self.note(name, *self.of_verb(name))
            self.with_server(work, tree, run)

    def of_verb(self, name):
        done = verb(self.repository, name)
        answer = done.answer()
        if name == "check" and (answer["damage_count"] or answer["finding_count"]):
            support.fail(f"the check found damage: {done.out}")
        if name == "gc" and answer["dead"]:
            support.fail(f"there was something to free: {done.out}")
        return done.seconds, done.mib

    # A node of its own for each run, so that everything is sent again.
    def with_server(self, work, tree, run):
        began = time.monotonic()
        server = support.Server(work, BIN, self.repository, listen=f"127.0.0.1:{PORT}")
        self.note("start", time.monotonic() - began, server.peak_mib())
        client = support.Client(work, BIN, f"{self.repository.name}-{run}")
        client.join(server.invite(client.name))
        for step in ("first backup", "unchanged backup"):
            _, seconds = client.backup("-r", tree)
            self.note(step, seconds, server.peak_mib())
        target = work / "restored"
        began = time.monotonic()
        done = client.run("restore", tree, "--to", target)
        self.note("restore", time.monotonic() - began, server.peak_mib())
        if done.returncode != 0:
            support.fail(f"restore: {done.stderr}")
        subprocess.run(["rm", "-rf", target], check=True)
        server.stop()

    def note(self, step, seconds, mib):
        self.seconds[step].append(seconds)
        self.mib[step] = max(self.mib[step], mib)
        say(f"{self.objects} objects, {step}: {seconds:.2f} s, {mib:.0f} MiB")

    def median(self, step):
        return statistics.median(self.seconds[step])


class Collections:
    """One collection after the other, asked of the running server until it is stopped."""

    def __init__(self, repository, socket):
        self.words = [BIN / "rbbackupd", repository, "gc", "--json", "--socket", socket]
        self.seconds, self.done = [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.done:
            self.seconds.append(Step(*self.words).seconds)

    def stop(self):
        """How many were begun, each in the median how long."""
        self.done = True
        self.thread.join()
        return len(self.seconds), statistics.median(self.seconds)


def backups_beside_gc(work, repository):
    """Ratio of a first backup beside collections to one without, of each pair."""
    tree = work / "slowed"
    support.make_files(tree, 9, support.mixed_sizes(SLOWED_MIB * support.MIB))
    server = support.Server(work, BIN, repository, listen=f"127.0.0.1:{PORT}")
    ratios, alone, collected, took = [], [], 0, []
    for pair in range(options.pairs):
        seconds = {}
        for beside in ([False, True] if pair % 2 == 0 else [True, False]):
            client = support.Client(work, BIN, f"beside{pair}{'gc' if beside else ''}")
            client.join(server.invite(client.name))
            os.sync()
            collections = Collections(repository, server.socket) if beside else None
            _, seconds[beside] = client.backup("-r", tree)
            if collections:
                count, median = collections.stop()
                collected += count
                took.append(median)
        ratios.append(seconds[True] / seconds[False])
        alone.append(seconds[False])
        say(f"backup {seconds[False]:.2f} s, beside collections {seconds[True]:.2f} s, {ratios[-1]:.3f}")
    peak = server.peak_mib()
    server.stop()
    subprocess.run(["rm", "-rf", tree], check=True)
    return {"ratio": statistics.median(ratios), "alone": statistics.median(alone), "collections": collected,
            "took": statistics.median(took), "mib": peak}


def cat(repository):
    return Step("sh", "-c", 'cat "$@" > /dev/null', "sh", *pack_files(repository))


def of_bytes(work):
    """Scrub, to the checksums of the bytes and to each object, and rebuild against cat of the packs, none of them in the
    page cache. Who goes first alternates: a device may give its bursts to that one."""
    repository = work / "large-chunks"
    generate(repository, "--objects", options.mib * support.MIB // LARGE_CHUNK, "--chunk-bytes", LARGE_CHUNK, "--snapshots", 8)
    verb(repository, "check", "--data")  # makes what is missing of the parity
    size, peak = pack_bytes(repository), 0.0
    ways = {"cat": lambda: cat(repository), "scrub": lambda: verb(repository, "check", "--data")}
    rates = {way: [] for way in ways}
    for pair in range(options.pairs):
        for way in list(ways) if pair % 2 == 0 else reversed(ways):
            drop_caches()
            done = ways[way]()
            rates[way].append(size / done.seconds)
            peak = max(peak, done.mib)
        say(f"cat {rates['cat'][-1] / 1e6:.0f} MB/s, scrub {rates['scrub'][-1] / 1e6:.0f} MB/s")
    unpacked, rebuilds = [], []
    for _ in range(options.runs):
        drop_caches()
        deep = verb(repository, "check", "--data", "--unpack")
        unpacked.append(size / deep.seconds)
        rebuilds.append(size / rebuild(repository)[0])
        peak = max(peak, deep.mib)
    return {"cat": statistics.median(rates["cat"]), "cat_least": min(rates["cat"]), "cat_most": max(rates["cat"]),
            "scrub": statistics.median(rates["scrub"]),
            "scrub_ratio": statistics.median(b / a for a, b in zip(rates["cat"], rates["scrub"])),
            "unpacked": statistics.median(unpacked), "rebuild": statistics.median(rebuilds), "mib": peak, "bytes": size}


def growth_table(small, large):
    """The lines, and whether a limit was missed."""
    lines = [f"| | {small.objects:,} objects | {large.objects:,} objects | times (at most {LIMIT_GROWTH}) | peak of the server |",
             "|---|---:|---:|---:|---:|"]
    missed = False
    for step in STEPS:
        growth = large.median(step) / small.median(step)
        missed |= growth > LIMIT_GROWTH
        if step in ("prune", "gc", "check"):
            missed |= large.median(step) > LIMIT_SECONDS or large.mib[step] > LIMIT_MIB
        lines.append(f"| {step} | {small.median(step):.2f} s | {large.median(step):.2f} s | {growth:.1f} | {large.mib[step]:.0f} MiB |")
    return lines, missed


def report_objects(small, large, anew, beside):
    """Whether a limit was missed."""
    table, missed = growth_table(small, large)
    slower, (seconds, mib) = beside["ratio"], anew
    support.write_section("scale", f"{large.objects:,} objects", [
        f"Four nodes, 1,000 snapshots. Medians of {options.runs}. Prune, gc (nothing to free) and check (structure) as verbs without "
        f"a server, start included: at most {LIMIT_SECONDS} s and {LIMIT_MIB} MiB. Backups and restore over TLS, of a tree of new "
        f"files of 1 KiB, one for {OBJECTS_A_FILE} objects, so that it grows with the repository.", "", *table, "",
        f"- A first backup of {SLOWED_MIB} MiB into the large repository: {beside['alone']:.1f} s; beside one collection after the other "
        f"({beside['collections']}, {beside['took']:.1f} s each) {slower:.2f} times that, at most {LIMIT_SLOWER}; median of {options.pairs} "
        f"pairs. Client and server share the machine's cores. Peak of the server {beside['mib']:.0f} MiB.",
        f"- Catalog of the large repository made anew: {seconds:.0f} s, {large.objects / seconds:,.0f} objects a second, peak {mib:.0f} MiB. "
        "With chunks of 300 bytes it is the objects that count, not the bytes."])
    return missed or slower > LIMIT_SLOWER


def report_bytes(found):
    """Whether a limit was missed."""
    rebuild_limit = min(LIMIT_REBUILD, found["cat"])
    support.write_section("bytes", f"Packs of {found['bytes'] / 1e9:.1f} GB", [
        f"Chunks of 256 KiB, not in the page cache. Medians of {options.pairs} pairs in turn, of {options.runs} for the others.", "",
        "| | MB/s | |", "|---|---:|---|",
        f"| `cat` of the packs | {found['cat'] / 1e6:.0f} | {found['cat_least'] / 1e6:.0f} to {found['cat_most'] / 1e6:.0f} |",
        f"| `check --data`, parity included | {found['scrub'] / 1e6:.0f} | {found['scrub_ratio']:.2f} of `cat` in pairs, at least {LIMIT_SCRUB} |",
        f"| `check --data --unpack` | {found['unpacked'] / 1e6:.0f} | |",
        f"| catalog made anew | {found['rebuild'] / 1e6:.0f} | at least {rebuild_limit / 1e6:.0f} |", "",
        f"Peak memory {found['mib']:.0f} MiB."])
    return found["scrub_ratio"] < LIMIT_SCRUB or found["rebuild"] < rebuild_limit


def objects(work):
    small, large = Measured(work, options.objects // 10), Measured(work, options.objects)
    anew = rebuild(large.repository)
    return report_objects(small, large, anew, backups_beside_gc(work, large.repository))


def main(work):
    if not support.RESULTS.exists():
        support.RESULTS.write_text("# Large repositories: figures\n\nMade by `make bench-scale` on a quiet machine.\n")
    missed = options.part != "bytes" and objects(work)
    missed = (options.part != "objects" and report_bytes(of_bytes(work))) or missed
    if missed:
        support.fail("a limit was missed")


with support.Work(options.work) as scratch:
    main(scratch)
