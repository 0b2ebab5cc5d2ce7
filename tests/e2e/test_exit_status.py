"""Each kind of trouble has its exit status and one clear line on standard error."""
import time
import unittest

from harness import *


class ExitStatus(TestCase):
    def setUp(self):
        super().setUp()
        write(self.tree / "file", "content")

    def one_line(self, outcome):
        lines = outcome.err.decode().splitlines()
        self.assertEqual(len(lines), 1, outcome)
        self.assertTrue(lines[0].startswith("rbbackup: "), outcome)
        return lines[0]

    def test_usage(self):
        self.assertIn(b"usage", self.client(expect=2).err)
        self.client("--no-such-option", self.tree, expect=2)
        self.client("diff", expect=2)
        self.client("--exclude", "[", self.tree, expect=2)
        self.assertIn(b"Exit status", self.client("-h").out)

    def test_no_server(self):
        self.assertIn("socket", self.one_line(self.client("-r", self.tree, expect=4)))
        self.one_line(self.client("log", expect=4))
        self.client("--server", "nonsense", self.tree, expect=1)

    def test_missing_paths(self):
        self.serve()
        self.one_line(self.client("-r", self.scratch / "gone", expect=1))
        self.assertEqual(self.snapshots(), [])
        self.client("-r", self.scratch / "gone", self.tree, expect=3)
        self.assertEqual(len(self.snapshots()), 1)
        self.client("-rd", self.tree / "gone too", expect=1)

    @unittest.skipUnless(IS_ROOT, "becomes another user")
    def test_unreadable(self):
        self.scratch.chmod(0o777)
        write(self.tree / "secret", "x").chmod(0)
        write(self.tree / "closed/x", "x")
        (self.tree / "closed").chmod(0)
        self.serve()
        (self.scratch / "cache").mkdir(mode=0o777)
        (self.scratch / "cache").chmod(0o777)
        # The build may stand where only its owner may look.
        program = shutil.copy(BIN / "rbbackup", self.scratch)
        outcome = self.client("-r", self.tree, expect=3, program=program, user=1, group=1, extra_groups=[])
        self.assertIn(b"secret", outcome.err)
        self.assertIn(b"closed", outcome.err)

    def test_interrupt(self):
        self.serve()
        for i in range(40):
            write(self.tree / f"big{i}", seeded_bytes(i, 8_000_000))
        process = self.start_client("-r", self.tree)
        # It runs once its cache exists; a signal before that would end it before it blocks signals.
        deadline = time.monotonic() + PATIENCE
        while not list((self.scratch / "cache").rglob("*")) and process.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertIn(process.returncode, (130, 0))  # 0: it was faster than the signal
        if process.returncode == 130:
            self.assertEqual(self.snapshots(), [])
        self.backup("-r", self.tree)
        self.restore_and_compare()

    def test_nothing_there(self):
        self.serve()
        self.client("ls", expect=1)
        self.client("restore", self.tree, "--to", self.scratch / "t", expect=1)
        self.client("status")
        self.backup("-r", self.tree)
        self.one_line(self.client("cat", self.tree / "nope", expect=1))
        self.one_line(self.client("cat", self.tree, expect=1))
        self.one_line(self.client("ls", "--at", "zzz", expect=1))
        self.one_line(self.client("forget", self.tree / "nope", expect=1))

    def test_a_full_disk_behind_standard_output(self):
        self.serve()
        self.backup("-r", self.tree)
        with open("/dev/full", "wb") as full:
            process = subprocess.run([BIN / "rbbackup", "log"], stdout=full, env=self.environment, check=False)
        self.assertEqual(process.returncode, 1)


if __name__ == "__main__":
    main()
