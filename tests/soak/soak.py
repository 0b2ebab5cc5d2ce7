#!/usr/bin/env python3
"""Rounds of backups with kill -9 of the client or the server at a random moment.

After each round the server runs again, and at the end every snapshot that a client was told of restores to exactly what
was backed up, judged by hashes taken before the backup. Prints the seed; the same seed gives the same trees and the
same intended moments (the machine's timing is its own).

    soak.py BIN ROUNDS [SEED]
"""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN, ROUNDS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
chance = random.Random(SEED)
scratch = pathlib.Path(tempfile.mkdtemp(prefix="rbbackup-soak."))
tree, repository, socket = scratch / "tree", scratch / "repository", scratch / "socket"
environment = {**os.environ, "RBBACKUP_SERVER": f"unix:{socket}", "XDG_CACHE_HOME": str(scratch / "cache")}


def start_server():
    reader, writer = os.pipe()
    with open(scratch / "server.log", "ab") as log:
        server = subprocess.Popen([BIN / "rbbackupd", repository, "--socket", socket, "--ready-fd", str(writer)],
                                  pass_fds=[writer], stderr=log)
    os.close(writer)
    with os.fdopen(reader, "rb") as ready:
        if ready.read(1) != b"\n":
            sys.exit("the server did not start again:\n" + (scratch / "server.log").read_text()[-2000:])
    return server


def fingerprint(root):
    """One hash over names, types, modes, times and contents."""
    digest = hashlib.sha256()
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            info = os.lstat(path)
            digest.update(f"{os.path.relpath(path, root)}\0{info.st_mode}\0{info.st_mtime_ns}\0".encode())
            with open(path, "rb") as content:
                digest.update(hashlib.sha256(content.read()).digest())
    return digest.hexdigest()


def churn():
    """Changes, adds, renames and removes some files."""
    tree.mkdir(exist_ok=True)
    existing = sorted(p for p in tree.rglob("*") if p.is_file())
    for path in chance.sample(existing, min(len(existing), 15)):
        what = chance.random()
        if what < 0.4:
            with open(path, "r+b") as f:
                f.seek(chance.randrange(max(1, path.stat().st_size)))
                f.write(chance.randbytes(chance.randrange(1, 5000)))
        elif what < 0.6:
            path.rename(path.with_name(path.name[:100] + "r"))
        else:
            path.unlink()
    for _ in range(30):
        path = tree / f"d{chance.randrange(20)}" / f"f{chance.randrange(10**9)}"
        path.parent.mkdir(exist_ok=True)
        size = chance.choice([0, 100, 5_000, 60_000, 700_000, 3_000_000])
        path.write_bytes(chance.randbytes(size) if chance.random() < 0.5 else bytes([chance.randrange(256)]) * size)


def snapshot_of(output):
    for line in output.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # cut by the kill
        if value.get("type") == "summary":
            return value["snapshot"]
    return None


def main():
    print(f"soak: {ROUNDS} rounds, seed {SEED}", flush=True)
    server = start_server()
    acknowledged = {}
    kills = {"client": 0, "server": 0}
    typical = 0.5  # seconds that a run takes; learned
    for number in range(ROUNDS):
        churn()
        expected = fingerprint(tree)
        victim = chance.choice(["client", "server"])
        moment = chance.random() * typical * 1.2
        began = time.monotonic()
        client = subprocess.Popen([BIN / "rbbackup", "--json", "-rd", "--force", tree], env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            client.wait(moment)
            typical = 0.8 * typical + 0.2 * (time.monotonic() - began)
        except subprocess.TimeoutExpired:
            kills[victim] += 1
            (client if victim == "client" else server).send_signal(signal.SIGKILL)
            if victim == "server":
                server.wait()
                server = start_server()
        out, err = client.communicate(timeout=300)
        if snapshot := snapshot_of(out):
            acknowledged[snapshot] = expected
        # A client that found nobody at its first contact says so at once; one that had a server waits for it.
        never_met = client.returncode == 4 and b"no server answers" in err
        if victim == "server" and client.returncode != 0 and not never_met:
            sys.exit(f"round {number}: the client did not get over the server's restart: {client.returncode} {err!r}")
        # The next backup succeeds, whatever happened.
        after = subprocess.run([BIN / "rbbackup", "--json", "-rd", "--force", tree], env=environment,
                               capture_output=True, timeout=300)
        if after.returncode != 0:
            sys.exit(f"round {number}: the next backup failed: {after!r}")
        acknowledged[snapshot_of(after.stdout)] = expected
        if number % 20 == 19:
            print(f"soak: round {number + 1}, {len(acknowledged)} acknowledged, kills {kills}", flush=True)

    server.send_signal(signal.SIGTERM)
    server.wait()
    server = start_server()
    for snapshot, expected in acknowledged.items():
        target = scratch / "restored"
        subprocess.run([BIN / "rbbackup", "-q", "restore", tree, "--at", snapshot, "--to", target], env=environment,
                       check=True)
        if fingerprint(target / "tree") != expected:
            sys.exit(f"snapshot {snapshot} does not restore to what was backed up; kept in {scratch}")
        shutil.rmtree(target)
    server.send_signal(signal.SIGTERM)
    server.wait()
    print(f"soak: {ROUNDS} rounds, {kills['client']} kills of the client and {kills['server']} of the server; "
          f"all {len(acknowledged)} acknowledged snapshots restored exactly")
    shutil.rmtree(scratch)


main()
