#!/usr/bin/env python3
"""Eight clients with the same tree at the same moment: how much goes over the line in all, against one client alone.

Over the Unix socket they are eight runs of one node (bytes: blocks, as the clients count them); with --tls they are
eight nodes of one group, in a network namespace whose counters are the measure (all bytes, both ways, TLS and TCP
included). Every client starts with an empty cache; the repository knows nothing of the tree.

    group.py BIN [--tls] [--clients N] [--mib N] [--runs N] [--work DIR]
"""
import argparse
import pathlib
import statistics
import time

import support

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--tls", action="store_true")
parser.add_argument("--clients", type=int, default=8)
parser.add_argument("--mib", type=int, default=1024)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--work", type=pathlib.Path)
options = parser.parse_args()
BIN = options.bin.resolve()
LIMIT = 1.1


def at_once(clients, tree):
    """Starts all, waits for all. Gives the blocks' bytes of each, and the seconds from first start to last end."""
    began = time.monotonic()
    processes = [client.start("--json", "-r", tree) for client in clients]
    sent = []
    for client, process in zip(clients, processes):
        out, err = process.communicate()
        if process.returncode != 0:
            support.fail(f"{client.name}: exit {process.returncode}: {err}")
        sent.append(support.summary_of(out)["bytes_sent"])
    return sent, time.monotonic() - began


def measure(work, name, count, tree, netns):
    """A new repository, so many clients. Gives bytes on the line, of blocks, the largest sender's share, seconds."""
    server = support.Server(work, BIN, work / name, netns=netns, listen="127.0.0.1:4433" if netns else None)
    clients = []
    for i in range(count):
        client = support.Client(work, BIN, f"{name}-{i}", netns=netns, server=None if netns else f"unix:{server.socket}")
        if netns:
            client.join(server.invite(f"node{i}", group="bench"))
        clients.append(client)
    # Something stored by another tree: no session may believe that it need not ask.
    clients[0].backup(work / "other")
    before = support.wire_bytes(netns) if netns else 0
    sent, seconds = at_once(clients, tree)
    line = support.wire_bytes(netns) - before if netns else sum(sent)
    peak = server.peak_mib()
    server.stop()
    return line, sum(sent), max(sent), seconds, peak


def main(work, netns):
    tree = work / "tree"
    support.make_files(tree, 1, support.mixed_sizes(options.mib * support.MIB))
    (work / "other").mkdir()
    (work / "other/file").write_text("something")
    rows = []
    for run in range(options.runs):
        alone = measure(work, f"alone{run}", 1, tree, netns)
        group = measure(work, f"group{run}", options.clients, tree, netns)
        ratio = group[0] / alone[0]
        rows.append((ratio, alone, group))
        print(f"alone {alone[0] / 1e6:.0f} MB in {alone[3]:.1f} s; {options.clients} at once {group[0] / 1e6:.0f} MB in "
              f"{group[3]:.1f} s; ratio {ratio:.3f}", flush=True)
    ratio = statistics.median(row[0] for row in rows)
    transport = "TLS, nodes of one group" if options.tls else "the Unix socket, one node"
    lines = [f"{options.clients} clients over {transport}, the same {options.mib} MiB of incompressible files (16 KiB, 512 KiB "
             f"and 32 MiB), all started together; {'all bytes on the line' if netns else 'bytes of blocks sent'}.", "",
             "| run | one client | all together | ratio | largest sender | seconds alone, together | server's peak |",
             "|---:|---:|---:|---:|---:|---:|---:|"]
    for number, (each, alone, group) in enumerate(rows, 1):
        lines.append(f"| {number} | {alone[0] / 1e6:.0f} MB | {group[0] / 1e6:.0f} MB | {each:.3f} | "
                     f"{group[2] / max(group[1], 1):.0%} | {alone[3]:.1f}, {group[3]:.1f} | {group[4]:.0f} MiB |")
    lines += ["", f"Median **{ratio:.3f}**; at most {LIMIT}."]
    support.write_section("group-tls" if options.tls else "group-unix", f"The same tree, {options.clients} clients at once, "
                          f"{'over TLS' if options.tls else 'over the Unix socket'}", lines)
    if ratio > LIMIT:
        support.fail(f"{ratio:.3f} is more than {LIMIT}")


with support.Work(options.work) as scratch:
    if options.tls:
        with support.Netns("rbgroup") as space:
            main(scratch, space.name)
    else:
        main(scratch, None)
