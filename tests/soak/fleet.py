"""The machines of the soak test: one server, several nodes with trees of their own, and who is running at the moment."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time

PATIENCE = 300  # seconds; only bounds a hang


def fingerprint(root):
    """One hash over names, types, modes, times and contents."""
    digest = hashlib.sha256()
    for directory, names, files in os.walk(root):
        names.sort()
        digest.update(f"{os.path.relpath(directory, root)}/\0".encode())
        for name in sorted(files):
            path = os.path.join(directory, name)
            info = os.lstat(path)
            digest.update(f"{os.path.relpath(path, root)}\0{info.st_mode}\0{info.st_mtime_ns}\0".encode())
            with open(path, "rb") as content:
                digest.update(hashlib.sha256(content.read()).digest())
    return digest.hexdigest()


def objects_of(output):
    """The lines of --json; one that a kill has cut is left out."""
    found = []
    for line in output.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


class Activity:
    """A program that was started: what it does, for whom, and what came of it."""

    def __init__(self, kind, words, environment, node=None, **facts):
        self.kind, self.node, self.facts = kind, node, facts
        self.killed = self.server_died = False
        self.process = subprocess.Popen([str(word) for word in words], env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.out = self.err = b""

    @property
    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.killed = True
        self.process.kill()

    def finish(self):
        try:
            self.out, self.err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise SystemExit(f"{self} hangs")
        return self.status

    @property
    def status(self):
        return self.process.returncode

    @property
    def lines(self):
        return objects_of(self.out)

    def __str__(self):
        return f"{self.kind} of {self.node or 'the administrator'}: exit {self.status}, {self.err[-2000:]!r}"


class Node:
    """A machine with a tree. All but the host, which uses the socket, have joined over TLS."""

    def __init__(self, fleet, name, chance):
        self.fleet, self.name, self.chance = fleet, name, chance
        self.home = fleet.scratch / name
        self.tree = self.home / "tree"
        self.tree.mkdir(parents=True)
        self.environment = {**os.environ, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"),
                            "XDG_CONFIG_HOME": str(self.home / "config"), "XDG_RUNTIME_DIR": str(self.home / "run")}
        self.environment.pop("RBBACKUP_SERVER", None)
        if name == "host":
            self.environment["RBBACKUP_SERVER"] = f"unix:{fleet.socket}"
        else:
            link = fleet.verb("invite", name, "--address", fleet.address).out
            subprocess.run([fleet.programs / "rbbackup", "join", "-"], input=link, env=self.environment, check=True,
                           capture_output=True)
        self.restores = 0

    def start(self, kind, *words, **facts):
        return Activity(kind, [self.fleet.programs / "rbbackup", *words], self.environment, self, **facts)

    def back_up(self):
        return self.start("backup", "--json", "-rd", "--force", self.tree, expected=fingerprint(self.tree))

    def restore(self, snapshot, expected):
        self.restores += 1
        target = self.home / f"restored-{self.restores}"
        return self.start("restore", "-q", "restore", self.tree, "--at", snapshot, "--to", target, snapshot=snapshot,
                          target=target, expected=expected)

    def check_restored(self, restore):
        """Whether what was restored is what was backed up; the place is free afterwards."""
        exact = fingerprint(restore.facts["target"] / "tree") == restore.facts["expected"]
        if exact:
            shutil.rmtree(restore.facts["target"])
        return exact

    def listed(self):
        """What the server says there is, newest first."""
        log = self.start("log", "log", "--json")
        if log.finish() != 0:
            raise SystemExit(str(log))
        return [line["id"] for line in log.lines]

    def churn(self, most):
        """Changes, adds, renames and removes some files; there are at most `most` afterwards."""
        existing = sorted(p for p in self.tree.rglob("*") if p.is_file())
        for path in self.chance.sample(existing, min(len(existing), 5)):
            what = self.chance.random()
            if what < 0.4:
                with open(path, "r+b") as file:
                    file.seek(self.chance.randrange(max(1, path.stat().st_size)))
                    file.write(self.chance.randbytes(self.chance.randrange(1, 5000)))
            elif what < 0.6:
                path.rename(path.with_name(path.name[:100] + "r"))
            else:
                path.unlink()
        for _ in range(8):
            path = self.tree / f"d{self.chance.randrange(8)}" / f"f{self.chance.randrange(10**9)}"
            path.parent.mkdir(exist_ok=True)
            size = self.chance.choice([0, 100, 5_000, 60_000, 300_000])
            path.write_bytes(self.chance.randbytes(size) if self.chance.random() < 0.6 else
                             bytes([self.chance.randrange(256)]) * size)
        left = sorted(p for p in self.tree.rglob("*") if p.is_file())
        for path in self.chance.sample(left, max(0, len(left) - most)):
            path.unlink()


class Fleet:
    """The server and its administrator."""

    def __init__(self, programs, scratch, settings):
        self.programs, self.scratch = programs, scratch
        self.repository, self.socket, self.log = scratch / "repository", scratch / "socket", scratch / "server.log"
        self.port = 0
        self.start_server()
        self.stop_server()
        (self.repository / "config.toml").write_text(settings)
        self.start_server()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start_server(self):
        reader, writer = os.pipe()
        began = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen(
                [self.programs / "rbbackupd", self.repository, "--socket", self.socket, "--listen", self.address,
                 "--ready-fd", str(writer)], pass_fds=[writer], stderr=log)
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            is_ready = ready.read(1) == b"\n"
        text = self.log.read_bytes()[began:].decode(errors="replace")
        if not is_ready:
            raise SystemExit(f"the server did not start again:\n{text[-3000:]}")
        if self.port == 0:
            self.port = int(text.split("https://127.0.0.1:")[1].split()[0].strip("/,;"))

    def stop_server(self):
        self.server.terminate()
        self.server.wait(PATIENCE)

    def kill_server(self):
        self.server.kill()
        self.server.wait()

    def start_verb(self, kind, *words):
        return Activity(kind, [self.programs / "rbbackupd", self.repository, *words, "--socket", self.socket],
                        os.environ)

    def verb(self, kind, *words):
        """One that has to succeed."""
        activity = self.start_verb(kind, kind, *words)
        if activity.finish() != 0:
            raise SystemExit(str(activity))
        return activity

    def check(self, *words):
        report = self.verb("check", "--json", *words).lines[-1]
        if report["damage_count"] != 0:
            raise SystemExit(f"check found damage: {report}")


def wait_for(activities, seconds):
    """Until all have ended or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(activity.running for activity in activities):
        time.sleep(0.002)
