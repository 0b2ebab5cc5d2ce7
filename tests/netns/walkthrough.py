#!/usr/bin/env python3
"""Three hosts, each with an address of its own: one keeps the backups of the other two (`make netns`).

The commands are those of the README's section "Several machines", and everything that may go wrong happens on the way:
an address changes in the middle of a backup, the server restarts in the middle of one, a node is removed and comes back.
At the end all copies are restored and compared exactly.

    walkthrough.py BIN

Needs root and network namespaces; exits with status 77 where there are none.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import hosts

SERVER, PORT = "10.88.0.1", 7330
MIB = 1 << 20
# Enough for a loaded machine; each step takes seconds.
PATIENCE = 300


def step(text):
    print(f"--- {text}", flush=True)


class Host:
    def __init__(self, wire, name, home, binaries):
        self.wire, self.name, self.home = wire, name, home
        self.environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
                            "XDG_CACHE_HOME": str(home / ".cache"), "XDG_RUNTIME_DIR": str(home / "run"),
                            "PATH": f"{binaries}:{os.environ['PATH']}"}
        self.environment.pop("RBBACKUP_SERVER", None)
        (home / "run").mkdir()

    def start(self, *words, **keywords):
        print(f"{self.name}# {' '.join(map(str, words))}", flush=True)
        return subprocess.Popen(["ip", "netns", "exec", self.wire.space(self.name), *map(str, words)],
                                env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)

    def finish(self, process, expect=0):
        out, err = process.communicate(timeout=PATIENCE)
        if process.returncode != expect:
            sys.exit(f"{self.name}: exit {process.returncode} instead of {expect}\n{out}{err}")
        return out, err

    def run(self, *words, expect=0):
        return self.finish(self.start(*words), expect)


class BackupServer(Host):
    """The host that keeps the backups."""

    process = None

    def serve(self):
        self.repository = self.home / "backups"
        reader, writer = os.pipe()
        with open(self.home / "server.log", "ab") as log:
            words = ["rbbackupd", self.repository, "--listen", f"{SERVER}:{PORT}", "--socket", self.home / "run/socket",
                     "--ready-fd", str(writer)]
            print(f"{self.name}# {' '.join(map(str, words))}", flush=True)
            self.process = subprocess.Popen(["ip", "netns", "exec", self.wire.space(self.name), *map(str, words)],
                                            env=self.environment, stderr=log, pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            if ready.read(1) != b"\n":
                sys.exit("the server did not start:\n" + (self.home / "server.log").read_text())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def administer(self, *words):
        return self.run("rbbackupd", self.repository, *words, "--socket", self.home / "run/socket")

    def invite(self, node):
        out, _ = self.administer("invite", node, "--address", f"{SERVER}:{PORT}")
        return re.search(r"rbbackup://\S+", out).group(0)


def make_tree(tree, seed, mib):
    """Contents of all sorts, and enough of them that a backup has a middle."""
    source = random.Random(seed)
    tree.mkdir(parents=True)
    for number in range(mib):
        (tree / f"d{number % 7}").mkdir(exist_ok=True)
        (tree / f"d{number % 7}/file{number}").write_bytes(source.randbytes(MIB))
    for number in range(500):
        (tree / f"d{number % 7}/small{number}").write_bytes(source.randbytes(source.randrange(3000)))
    odd = tree / "odd"
    odd.mkdir()
    (odd / "name with\nnewline").write_text("text")
    os.symlink("name with\nnewline", odd / "link")
    os.link(odd / "name with\nnewline", odd / "other name")
    os.mkfifo(odd / "fifo", 0o600)
    os.mknod(odd / "null", 0o666 | 0o020000, os.makedev(1, 3))
    with open(odd / "sparse", "wb") as sparse:
        sparse.truncate(8 * MIB)
        sparse.seek(5 * MIB)
        sparse.write(b"island")
    os.setxattr(odd / "link", b"trusted.note", b"on a link", follow_symlinks=False)
    os.chown(odd / "sparse", 1234, 4321)
    os.chmod(odd, 0o2750)
    os.utime(odd / "sparse", ns=(1, 1_000_000_000_123_456_789))


def in_the_middle(server, backup, mib, action):
    """Calls `action` when about a third of the backup has arrived."""
    before = server.wire.bytes_received(server.name)
    while server.wire.bytes_received(server.name) - before < mib * MIB // 3:
        if backup.poll() is not None:
            sys.exit("the backup ended before its middle:\n" + backup.communicate()[1])
        time.sleep(0.005)
    action()
    return before


def check_sent_once(server, before, mib):
    """A cut costs what was on the line, and nothing that had arrived."""
    received = server.wire.bytes_received(server.name) - before
    if received > 1.25 * mib * MIB:
        sys.exit(f"{received / MIB:.0f} MiB came in for a tree of {mib} MiB")
    print(f"    {received / MIB:.0f} MiB came in for a tree of {mib} MiB", flush=True)


def compare(host, tree):
    target = host.home / f"restored{len(list(host.home.iterdir()))}"
    target.mkdir()
    host.run("rbbackup", "restore", tree, "--to", target)
    found = subprocess.run(["rsync", "-naHAXci", "--delete", "--devices", "--specials", f"{tree}/", f"{target / tree.name}/"],
                           capture_output=True, text=True, check=True)
    if found.stdout:
        sys.exit(f"{host.name}: the copy of {tree} differs:\n{found.stdout}")
    shutil.rmtree(target)


def walk_through(scratch, wire, binaries):
    server = BackupServer(wire, "server", hosts.home_of(scratch, "server"), binaries)
    ana, bob = (Host(wire, name, hosts.home_of(scratch, name), binaries) for name in ("ana", "bob"))
    trees = {ana: ana.home / "documents", bob: bob.home / "documents"}
    for seed, (host, tree) in enumerate(trees.items()):
        make_tree(tree, seed, 60)
    try:
        step("the server, and two machines that join")
        server.serve()
        for host in (ana, bob):
            host.run("rbbackup", "join", server.invite(host.name))
            host.run("rbbackup", "-r", trees[host])
            compare(host, trees[host])
        print(server.administer("nodes")[0])

        step("an address changes in the middle of a backup")
        make_tree(ana.home / "pictures", 10, 300)
        backup = ana.start("rbbackup", "-r", ana.home / "pictures")
        before = in_the_middle(server, backup, 300, lambda: wire.change_address("ana", "10.88.0.22"))
        changed = time.monotonic()
        ana.finish(backup)
        print(f"    went on from 10.88.0.22, and was done {time.monotonic() - changed:.0f} s later", flush=True)
        check_sent_once(server, before, 300)
        compare(ana, ana.home / "pictures")

        step("the server restarts in the middle of a backup")
        make_tree(bob.home / "pictures", 11, 300)
        backup = bob.start("rbbackup", "-r", bob.home / "pictures")

        def restart():
            server.stop()
            server.serve()

        before = in_the_middle(server, backup, 300, restart)
        bob.finish(backup)
        check_sent_once(server, before, 300)
        compare(bob, bob.home / "pictures")

        step("a node is removed")
        server.administer("remove", "bob")
        _, said = bob.run("rbbackup", "-r", trees[bob], expect=4)
        print(f"    bob is told: {said.strip()}", flush=True)
        ana.run("rbbackup", "-r", trees[ana])
        compare(ana, trees[ana])

        step("its copies are there still: it comes back by a new invitation")
        bob.run("rbbackup", "join", server.invite("bob"))
        for tree in (trees[bob], bob.home / "pictures"):
            compare(bob, tree)
        print(server.administer("nodes")[0])
    finally:
        server.stop()


def main():
    if why := hosts.why_not():
        print(f"skipped: {why}")
        sys.exit(77)
    binaries = pathlib.Path(sys.argv[1]).resolve()
    scratch = tempfile.mkdtemp(prefix="rbbackup-netns.")
    try:
        with hosts.Wire([("server", SERVER), ("ana", "10.88.0.2"), ("bob", "10.88.0.3")]) as wire:
            walk_through(scratch, wire, binaries)
        print("all copies are as they should be")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


main()
