#!/usr/bin/env python3
"""A first backup of 10,000 small files over a long, lossy link, against iperf3 with as many connections.

Two network namespaces; bench/link_forwarder.cc between them (50 ms each way, a rate, a buffer as large as what fits on
the line), nftables drops one packet in a hundred on arrival, on both sides. Needs root.

    longlink.py BIN [--runs N] [--mbit N] [--work DIR]
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import threading
import time

import support

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--files", type=int, default=10_000)
parser.add_argument("--mbit", type=float, default=100)
parser.add_argument("--delay-ms", type=int, default=50)
parser.add_argument("--loss-percent", type=float, default=1)
parser.add_argument("--work", type=pathlib.Path)
options = parser.parse_args()
BIN = options.bin.resolve()
LIMIT = 0.8
SERVER, CLIENT, PORT = "10.99.0.1", "10.99.0.2", 4435


class LongLink:
    """The two namespaces, and what lies between them."""

    def __init__(self, work, far, near):
        self.far, self.near = far, near
        buffer_kib = max(64, int(options.mbit * 1e6 / 8 * 2 * options.delay_ms / 1000 / 1024))
        self.forwarder = subprocess.Popen(
            [BIN / "link_forwarder", far, near, str(options.delay_ms), str(options.mbit), str(buffer_kib)],
            stdout=subprocess.PIPE, text=True)
        work.processes.append(self.forwarder)
        assert self.forwarder.stdout.readline() == "ready\n"
        for space, here, there in [(far, SERVER, CLIENT), (near, CLIENT, SERVER)]:
            self.ip(space, "addr", "add", f"{here}/32", "peer", there, "dev", "link0")
            self.ip(space, "link", "set", "link0", "up", "mtu", "1500")
            rules = (f"add table ip loss; add chain ip loss in {{ type filter hook input priority 0; }}; "
                     f"add rule ip loss in iifname link0 numgen random mod 10000 < {int(options.loss_percent * 100)} counter drop")
            subprocess.run(support.in_netns(space, ["nft", rules]), check=True)

    @staticmethod
    def ip(space, *words):
        subprocess.run(["ip", "-n", space, *words], check=True)

    def lost(self, space):
        text = subprocess.check_output(support.in_netns(space, ["nft", "list", "ruleset"]), text=True)
        return int(re.search(r"packets (\d+)", text).group(1))


def iperf_mbit(link, connections, seconds):
    server = subprocess.Popen(support.in_netns(link.far, ["iperf3", "-s", "-1", "-B", SERVER]), stdout=subprocess.DEVNULL)
    time.sleep(1)
    out = subprocess.check_output(
        support.in_netns(link.near, ["iperf3", "-c", SERVER, "-P", str(connections), "-t", str(seconds), "-J"]), text=True)
    server.wait(30)
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6


class ConnectionCounter:
    """The largest number of connections to the server that were seen at one time."""

    def __init__(self, space):
        self.space, self.most, self.done = space, 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.done:
            text = subprocess.check_output(
                support.in_netns(self.space, ["ss", "-Htn", "state", "established", "dport", "=", f":{PORT}"]), text=True)
            self.most = max(self.most, len(text.splitlines()))
            time.sleep(0.2)

    def stop(self):
        self.done = True
        self.thread.join()
        return self.most


def backup(work, link, tree, run):
    """Megabits a second of the block bytes sent, connections seen, seconds."""
    server = support.Server(work, BIN, work / f"repository{run}", listen=f"{SERVER}:{PORT}", netns=link.far)
    client = support.Client(work, BIN, f"client{run}", netns=link.near)
    client.join(server.invite("node"))
    counter = ConnectionCounter(link.near)
    summary, seconds = client.backup("-r", tree)
    connections = counter.stop()
    server.stop()
    return summary["bytes_sent"] * 8 / 1e6 / seconds, connections, seconds, summary["bytes_sent"]


def main(work, far, near):
    tree = work / "tree"
    sizes = random.Random(3)
    support.make_files(tree, 3, [sizes.randrange(1024, 40 * 1024) for _ in range(options.files)])
    link = LongLink(work, far, near)
    congestion = subprocess.check_output(
        support.in_netns(near, ["cat", "/proc/sys/net/ipv4/tcp_congestion_control"]), text=True).strip()
    rows = []
    for run in range(options.runs):
        ours, connections, seconds, sent = backup(work, link, tree, run)
        theirs = iperf_mbit(link, connections, max(10, round(seconds)))
        rows.append((ours / theirs, ours, theirs, connections, seconds, sent))
        print(f"ours {ours:.1f} Mbit/s in {seconds:.1f} s over {connections} connections; iperf3 {theirs:.1f} Mbit/s; "
              f"{ours / theirs:.2f}", flush=True)
    ratio = statistics.median(row[0] for row in rows)
    lines = [f"A first backup of {options.files} incompressible files of 1 to 40 KiB ({rows[0][5] / 1e6:.0f} MB sent) over TLS, "
             f"{2 * options.delay_ms} ms round trip, {options.loss_percent:g}% of the packets lost each way, {options.mbit:g} Mbit/s, "
             f"TCP as the kernel has it ({congestion}); iperf3 for as long, with as many connections as the client was seen to "
             "have.", "", "| run | rbbackup | seconds | connections | iperf3 | ratio |", "|---:|---:|---:|---:|---:|---:|"]
    for number, row in enumerate(rows, 1):
        lines.append(f"| {number} | {row[1]:.1f} Mbit/s | {row[4]:.1f} | {row[3]} | {row[2]:.1f} Mbit/s | {row[0]:.2f} |")
    lines += ["", f"Median **{ratio:.2f}**; at least {LIMIT}. Packets lost on the way there: {link.lost(far)}."]
    support.write_section("longlink", "A long link", lines)
    if ratio < LIMIT:
        support.fail(f"{ratio:.2f} is less than {LIMIT}")


if os.geteuid() != 0:
    support.fail("needs root, for network namespaces")
with support.Work(options.work) as scratch, support.Netns("rbfar") as a, support.Netns("rbnear") as b:
    main(scratch, a.name, b.name)
