#!/usr/bin/env python3
"""A thousand clients at a time, each backing up a small changed tree, against the same work done by eight.

Some tens are real processes, the rest run in bench/load_generator.cc (the client's library). Every client is a node with
a credential, a cache directory and a tree of its own. The same work: every client once, in lanes of eight, or all at
once; the two alternate, each round after new changes. Then all at once beside idle TLS connections.

    load.py BIN [--tls] [--clients N] [--real N] [--few N] [--rounds N] [--idle N] [--work DIR]

Over the Unix socket (without --tls) all clients are one node, so that their commits race: a test of merges, not of load.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import statistics
import subprocess
import threading
import time

import support

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--tls", action="store_true")
parser.add_argument("--clients", type=int, default=1000)
parser.add_argument("--real", type=int, default=30)
parser.add_argument("--few", type=int, default=8)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--idle", type=int, default=10_000)
parser.add_argument("--work", type=pathlib.Path)
options = parser.parse_args()
BIN = options.bin.resolve()
PORT = 4436
LIMIT_MIB, LIMIT_RATIO = 512, 0.8
FILES, FILE_BYTES, CHANGED_FILES = 20, 4096, 4


class Fleet:
    """All clients. The first ones are run as processes, the others by the generator."""

    def __init__(self, work, server):
        self.work = work
        self.clients = []
        self.random = random.Random(4)
        for i in range(options.clients):
            client = support.Client(work, BIN, f"n{i}", server=None if options.tls else f"unix:{server.socket}")
            client.tree = work / f"trees/{i}"
            client.tree.mkdir(parents=True)
            self.clients.append(client)
        if options.tls:
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda client: client.join(server.invite(client.name)), self.clients))
        self.server_text = "" if options.tls else f"unix:{server.socket}"
        for client in self.clients:
            self.write(client, range(FILES))

    def write(self, client, numbers):
        for number in numbers:
            (client.tree / f"file{number}").write_bytes(self.random.randbytes(FILE_BYTES))

    def change(self):
        for client in self.clients:
            self.write(client, self.random.sample(range(FILES), CHANGED_FILES))

    def run(self, at_once, real):
        """Everybody once; gives the seconds."""
        listed = self.work / "clients.list"
        lines = []
        for client in self.clients[real:]:
            server = self.server_text or f"joined:{client.home / 'config/rbbackup'}"
            lines.append(f"{server}\t{client.home / 'cache/rbbackup'}\t{client.tree}\n")
        listed.write_text("".join(lines))
        real_lanes = real if at_once >= len(self.clients) else min(real, 1)
        generator = subprocess.Popen([BIN / "load_generator", listed, str(max(1, at_once - real_lanes))],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self_started = [generator]
        try:
            assert generator.stdout.readline() == "ready\n"
            began = time.monotonic()
            generator.stdin.write("go\n")
            generator.stdin.close()
            with concurrent.futures.ThreadPoolExecutor(max(1, real_lanes)) as pool:
                real_runs = [pool.submit(client.backup, "-r", client.tree) for client in self.clients[:real]]
                result = json.loads(generator.stdout.readline())
                for run in real_runs:
                    run.result()
            seconds = time.monotonic() - began
        finally:
            for process in self_started:
                if process.poll() is None:
                    process.wait()
        if result["succeeded"] != result["clients"]:
            support.fail(f"only {result['succeeded']} of {result['clients']} succeeded")
        return seconds, result


class Watch:
    """Peak number of threads and descriptors of the server, seen now and then."""

    def __init__(self, server):
        self.server, self.fds, self.done = server, 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.done:
            # Linux 6.2 and later give their number as the size; listing thousands would disturb what is measured.
            self.fds = max(self.fds, os.stat(f"/proc/{self.server.process.pid}/fd").st_size)
            time.sleep(0.1)

    def stop(self):
        self.done = True
        self.thread.join()
        return self.fds


def measured(fleet, server, at_once, real):
    fleet.change()
    watch = Watch(server)
    cpu = server.cpu_seconds()
    seconds, result = fleet.run(at_once, real)
    return {"seconds": seconds, "per_second": options.clients / seconds, "slowest": result["slowest"],
            "median": result["median"], "fds": watch.stop(), "cpu": server.cpu_seconds() - cpu,
            "peak": server.peak_mib(), "rss": server.status_kib("VmRSS") / 1024}


def pairs(fleet, server, suffix):
    """Rows of few and of all at a time, in pairs; who goes first alternates, since the disk is still busy with the last."""
    few, many = [], []
    for number in range(options.rounds):
        runs = [(few, options.few), (many, options.clients)]
        for rows, at_once in runs if number % 2 == 0 else reversed(runs):
            rows.append(measured(fleet, server, at_once, options.real))
            say(f"{at_once} at a time{suffix}", rows[-1])
    return few, many


def say(what, row):
    print(f"{what:<28} {row['seconds']:7.1f} s {row['per_second']:7.1f}/s, median {row['median']:.2f} s, slowest "
          f"{row['slowest']:.2f} s, server: {row['cpu']:.1f} s CPU, {row['fds']} descriptors, peak {row['peak']:.0f} MiB",
          flush=True)


def main(work):
    support.allow_many_files()
    server = support.Server(work, BIN, work / "repository", listen=f"127.0.0.1:{PORT}" if options.tls else None,
                            options=["--max-clients", str(2 * options.clients)])
    fleet = Fleet(work, server)
    print(f"first backups of all: {fleet.run(64, 0)[0]:.1f} s", flush=True)
    few, many = pairs(fleet, server, "")
    few_beside, many_beside, closed = [], [], None
    if options.idle and options.tls:
        idle = subprocess.Popen([BIN / "idle_connections", "127.0.0.1", str(PORT), str(options.idle)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        work.processes.append(idle)
        held = int(idle.stdout.readline().split()[1])
        print(f"{held} idle connections; server now {server.status_kib('VmRSS') / 1024:.0f} MiB", flush=True)
        if held != options.idle:
            support.fail(f"only {held} idle connections could be made")
        few_beside, many_beside = pairs(fleet, server, ", beside idle")
        idle.stdin.close()
        closed = int(idle.stdout.readline().split()[1])
    report(few, many, few_beside, many_beside, closed)


def report(few, many, few_beside, many_beside, closed):
    def median(rows, field):
        return statistics.median(row[field] for row in rows)

    ratio = median(many, "per_second") / median(few, "per_second")
    peak = max(row["peak"] for row in few + many + few_beside + many_beside)
    lines = [f"{options.clients} clients, each a node of its own, {'TLS 1.3 on the loopback device' if options.tls else 'Unix socket'}; "
             f"{options.real} of them processes, the rest in one generator with the client's library; each tree has "
             f"{FILES} files of {FILE_BYTES >> 10} KiB, {CHANGED_FILES} of which changed since the last backup. Clients and server "
             "share the machine's cores. Medians.", "",
             "| | all done in | backups a second | median, slowest client | server's CPU | server's peak memory |",
             "|---|---:|---:|---:|---:|---:|"]
    for title, rows in [(f"{options.few} at a time", few), (f"{options.clients} at a time", many),
                        (f"{options.clients} at a time beside {options.idle} idle connections", many_beside)]:
        if rows:
            lines.append(f"| {title} | {median(rows, 'seconds'):.1f} s | {median(rows, 'per_second'):.1f} | "
                         f"{median(rows, 'median'):.2f} s, {max(row['slowest'] for row in rows):.2f} s | "
                         f"{median(rows, 'cpu'):.1f} s | {max(row['peak'] for row in rows):.0f} MiB |")
    lines += ["", f"All succeeded. Throughput of {options.clients} against {options.few}: **{ratio:.2f}** (at least {LIMIT_RATIO}). "
              f"The server's peak memory: **{peak:.0f} MiB** (at most {LIMIT_MIB})."]
    failed = ratio < LIMIT_RATIO or peak > LIMIT_MIB
    if many_beside:
        beside_ratio = median(many_beside, "per_second") / median(few_beside, "per_second")
        failed |= beside_ratio < LIMIT_RATIO or closed != 0
        lines[-1] += (f" Beside {options.idle} idle connections: {beside_ratio:.2f} of what {options.few} clients do beside them, "
                      f"{median(many_beside, 'per_second') / median(many, 'per_second'):.2f} of {options.clients} without them; "
                      f"{closed} of them were closed.")
    support.write_section("load-tls" if options.tls else "load-unix",
                          f"{options.clients} clients at a time, {'TLS' if options.tls else 'Unix socket'}", lines)
    if failed:
        support.fail("a limit was missed")


with support.Work(options.work) as scratch:
    main(scratch)
