"""What the end-to-end tests share: a scratch directory, a server, clients, trees, and a comparison by rsync."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["RB_BIN"])
IS_ROOT = os.geteuid() == 0
# Under sanitizers everything takes longer; this only bounds a hang.
PATIENCE = 120


class Server:
    """rbbackupd on a Unix socket, and over TLS where told so by `--listen`. `stop` ends it in order, `kill` as a power
    cut would end a process."""

    def __init__(self, directory, socket, *options, expect_failure=False, environment=None):
        self.directory, self.socket = pathlib.Path(directory), pathlib.Path(socket)
        self.log = self.socket.with_suffix(".log")
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        reader, writer = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "rbbackupd", self.directory, "--socket", self.socket, "--ready-fd", str(writer), *options],
                stderr=log, pass_fds=[writer], env={**os.environ, **(environment or {})})
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            self.ready = ready.read(1) == b"\n"  # nothing when the server ended instead
        if not self.ready and not expect_failure:
            raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    @property
    def log_text(self):
        """What this process has written, not those before it."""
        return self.log.read_bytes()[self.log_start:].decode(errors="replace")

    @property
    def addresses(self):
        """Where it listens over TLS, as HOST:PORT."""
        return re.findall(r"https://(\S+:\d+)", self.log_text)

    @property
    def address(self):
        return self.addresses[0]

    def run(self, *words, expect=0):
        """A command for the running server, such as invite; gives its standard output."""
        process = subprocess.run([BIN / "rbbackupd", self.directory, *words, "--socket", self.socket],
                                 capture_output=True, timeout=PATIENCE)
        assert expect is None or process.returncode == expect, Outcome(process)
        return process.stdout.decode() if expect == 0 else Outcome(process)

    def invite(self, node, *words, address=None):
        """Gives the link."""
        return self.run("invite", node, "--address", address or self.address, *words).strip()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Outcome:
    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __repr__(self):
        return f"exit {self.status}\nstdout: {self.out!r}\nstderr: {self.err!r}"

    @property
    def lines(self):
        """--json output, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self):
        last = self.lines[-1]
        assert last["type"] == "summary", last
        return last


class TestCase(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="rbbackup-e2e."))
        self.addCleanup(self.remove_scratch)
        self.socket = self.scratch / "socket"
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.scratch / "cache"),
                            "XDG_CONFIG_HOME": str(self.scratch / "config"), "RBBACKUP_SERVER": f"unix:{self.socket}",
                            "TZ": "UTC"}
        self.tree = self.scratch / "tree"

    def remove_scratch(self):
        subprocess.run(["chattr", "-R", "-ia", self.scratch], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["chmod", "-R", "u+rwx", self.scratch], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", self.scratch], check=False)

    def serve(self, *options, **keywords):
        server = Server(self.scratch / "repository", self.socket, *options, **keywords)
        self.addCleanup(server.kill)
        return server

    def serve_tls(self, *options, port=0, **keywords):
        return self.serve("--listen", f"127.0.0.1:{port}", *options, **keywords)

    def machine(self, name):
        return Machine(self, name)

    def member(self, server, name, *words, address=None):
        """A machine that has joined."""
        machine = self.machine(name)
        machine.join(server.invite(name, *words, address=address))
        return machine

    def client(self, *words, expect=0, program=BIN / "rbbackup", **keywords):
        process = subprocess.run([program, *words], capture_output=True, timeout=PATIENCE,
                                 env=keywords.pop("env", self.environment), **keywords)
        outcome = Outcome(process)
        if expect is not None:
            self.assertEqual(outcome.status, expect, outcome)
        return outcome

    def start_client(self, *words, **keywords):
        process = subprocess.Popen([BIN / "rbbackup", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=keywords.pop("env", self.environment), **keywords)
        self.addCleanup(lambda: (process.kill(), process.communicate()) if process.poll() is None else None)
        return process

    def backup(self, *words, expect=0):
        """Gives the summary of --json."""
        outcome = self.client("--json", *words, expect=expect)
        return outcome.summary

    def restore_and_compare(self, tree=None, *words):
        """Restores `tree` into a fresh place, and compares everything with rsync."""
        tree = tree or self.tree
        target = pathlib.Path(tempfile.mkdtemp(dir=self.scratch, prefix="restored."))
        self.client("restore", tree, "--to", target, *words)
        self.assert_same(tree, target / tree.name)
        return target / tree.name

    def assert_same(self, left, right):
        options = "-naciHAXS" if IS_ROOT else "-naciHS"
        found = subprocess.run(["rsync", options, "--delete", "--devices", "--specials", f"{left}/", f"{right}/"],
                               capture_output=True, check=True)
        self.assertEqual(found.stdout, b"")

    def snapshots(self):
        return self.client("log", "--json").lines

    def ls(self, path, *words):
        return {pathlib.Path(e["path"]).name: e for e in self.client("ls", "--json", path, *words).lines}


class Machine:
    """A client with directories of its own, as on a machine of its own; whom it has joined decides where it goes."""

    def __init__(self, test, name):
        self.test, self.name = test, name
        self.home = test.scratch / name
        self.configuration = self.home / "config"
        self.tree = self.home / "tree"
        self.environment = {**os.environ, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"),
                            "XDG_CONFIG_HOME": str(self.configuration), "XDG_RUNTIME_DIR": str(self.home / "run"),
                            "TZ": "UTC"}
        self.environment.pop("RBBACKUP_SERVER", None)
        self.home.mkdir(exist_ok=True)

    @property
    def joined_file(self):
        return self.configuration / "rbbackup/server.json"

    @property
    def joined(self):
        """What join wrote."""
        return json.loads(self.joined_file.read_text())

    def client(self, *words, expect=0, **keywords):
        return self.test.client(*words, expect=expect, env=self.environment, **keywords)

    def start(self, *words):
        return self.test.start_client(*words, env=self.environment)

    def join(self, link, *words, expect=0):
        """The link goes through standard input, as it should."""
        return self.client("join", "-", *words, expect=expect, input=f"{link}\n".encode())

    def backup(self, *words, expect=0):
        return self.client("--json", *(words or ("-r", self.tree)), expect=expect).summary

    def snapshots(self):
        return self.client("log", "--json").lines

    def restore_and_compare(self, tree=None):
        tree = tree or self.tree
        target = pathlib.Path(tempfile.mkdtemp(dir=self.home, prefix="restored."))
        self.client("restore", tree, "--to", target)
        self.test.assert_same(tree, target / tree.name)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def seeded_bytes(seed, size):
    """The same bytes for the same seed, and no compression helps."""
    import random
    return random.Random(seed).randbytes(size)


def main():
    unittest.main()


__all__ = ["BIN", "IS_ROOT", "PATIENCE", "Machine", "Server", "TestCase", "main", "seeded_bytes", "write", "shutil", "signal",
           "subprocess", "os", "pathlib", "json"]
