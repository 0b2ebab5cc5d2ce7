"""Kills, cuts and full disks in the middle: nothing is lost, little is done twice."""
import time
import unittest

from harness import *


class Interruptions(TestCase):
    def fill(self, files=60, size=4_000_000):
        for i in range(files):
            write(self.tree / f"d{i % 6}/f{i}", seeded_bytes(i, size))

    def wait_until(self, condition, process):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertIsNone(process.poll(), "it ended before it could be interrupted")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def packed(self):
        return sum(p.stat().st_size for p in (self.scratch / "repository/packs").glob("*"))

    def test_a_killed_client(self):
        self.serve()
        self.fill()
        process = self.start_client("-r", self.tree)
        self.wait_until(lambda: self.packed() > 60_000_000, process)
        process.kill()
        process.communicate()
        self.assertEqual(self.snapshots(), [])
        stored = self.packed()
        after = self.backup("-r", self.tree)
        total = 60 * 4_000_000
        # What was acknowledged before the kill is not sent again (some MiB may have been under way).
        self.assertLess(after["bytes_sent"], total - stored + 40_000_000)
        self.restore_and_compare()

    def test_a_server_killed_and_started_again(self):
        server = self.serve()
        self.fill()
        process = self.start_client("--json", "-r", self.tree)
        self.wait_until(lambda: self.packed() > 60_000_000, process)
        server.kill()
        self.serve()
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(len(self.snapshots()), 1)
        self.restore_and_compare()

    @unittest.skipUnless(IS_ROOT, "mounts a small file system")
    def test_a_full_disk_on_the_server(self):
        small = self.scratch / "repository"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m,mode=700", "tmpfs", small], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", small], check=False))
        server = self.serve()
        write(self.tree / "first", seeded_bytes(1, 10_000_000))
        self.backup("-r", self.tree)
        kept = write(self.scratch / "kept/first", (self.tree / "first").read_bytes())
        self.fill(files=40)
        outcome = self.client("-r", self.tree, expect=1)
        self.assertIn(b"space", outcome.err)
        self.assertEqual(len(self.snapshots()), 1)
        self.assertIn(b"too little space", self.client("status").out)
        target = self.scratch / "target"
        self.client("restore", self.tree, "--to", target)
        self.assertEqual((target / "tree/first").read_bytes(), kept.read_bytes())
        self.assertIsNone(server.process.poll())
        subprocess.run(["mount", "-o", "remount,size=600m", small], check=True)
        self.assertNotIn(b"too little space", self.client("status").out)
        self.backup("-r", self.tree)
        self.restore_and_compare()

    @unittest.skipUnless(IS_ROOT, "mounts a small file system")
    def test_a_full_disk_under_the_cache(self):
        cache = self.scratch / "cache"
        cache.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", cache], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", cache], check=False))
        self.serve()
        for i in range(2000):
            write(self.tree / f"f{i}", str(i))
        self.backup("-r", self.tree)
        self.backup("-r", self.tree)
        self.restore_and_compare()

    def test_a_restore_killed_and_repeated(self):
        self.serve()
        self.fill(files=30)
        self.backup("-r", self.tree)
        target = self.scratch / "target"
        process = self.start_client("restore", self.tree, "--to", target)
        self.wait_until(lambda: len(list(target.rglob("f*"))) > 5, process)
        process.kill()
        process.communicate()
        self.client("restore", self.tree, "--to", target)
        self.assert_same(self.tree, target / "tree")


class Damage(TestCase):
    def test_a_damaged_cache_is_no_cache(self):
        self.serve()
        for i in range(300):
            write(self.tree / f"f{i}", str(i) * 50)
        self.backup("-r", self.tree)
        for path in (self.scratch / "cache").rglob("*"):
            if path.is_file():
                content = bytearray(path.read_bytes())
                for at in range(7, len(content), 97):
                    content[at] ^= 0x10
                path.write_bytes(content)
        self.backup("-rd", self.tree)
        self.restore_and_compare()

    def test_a_damaged_pack_names_what_it_costs(self):
        server = self.serve()
        for i in range(20):
            write(self.tree / f"f{i}", seeded_bytes(i, 300_000))
        self.backup("-r", self.tree)
        server.stop()
        pack = max((self.scratch / "repository/packs").glob("*"), key=lambda p: p.stat().st_size)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.write_bytes(content)
        self.serve()
        target = self.scratch / "target"
        outcome = self.client("restore", self.tree, "--to", target, expect=3)
        self.assertIn(b"tree/f", outcome.err)
        restored = [p for p in (target / "tree").iterdir() if p.name.startswith("f")]
        self.assertGreaterEqual(len(restored), 20 - 8)  # what a block of 2 MiB has a part of
        for path in restored:
            self.assertEqual(path.read_bytes(), (self.tree / path.name).read_bytes())


class Skips(TestCase):
    @unittest.skipUnless(IS_ROOT, "mounts file systems")
    def test_the_whole_machine_ends(self):
        """The repository, the cache and pseudo file systems lie in the tree and are left out, each named once."""
        self.scratch = self.scratch / "root"
        self.scratch.mkdir()
        self.environment["XDG_CACHE_HOME"] = str(self.scratch / "cache")
        for i in range(20):
            write(self.scratch / f"home/f{i}", str(i))
        (self.scratch / "proc").mkdir()
        subprocess.run(["mount", "-t", "proc", "proc", self.scratch / "proc"], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", self.scratch / "proc"], check=False))
        self.serve()
        for _ in range(2):
            outcome = self.client("-r", self.scratch)
            for skipped in ("repository", "cache/rbbackup", "proc"):
                self.assertEqual(outcome.err.count(bytes(self.scratch / skipped) + b":"), 1, outcome)
        listed = {e["path"] for e in self.client("ls", "-r", "--json", self.scratch).lines}
        self.assertIn(str(self.scratch / "home/f1"), listed)
        self.assertNotIn(str(self.scratch / "repository/packs"), listed)
        self.assertFalse([p for p in listed if p.startswith(f"{self.scratch}/proc/")])

    @unittest.skipUnless(IS_ROOT, "mounts file systems")
    def test_what_was_a_mount_point_keeps_its_subtree(self):
        self.serve()
        mounted = self.tree / "mounted"
        mounted.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mounted], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", mounted], stderr=subprocess.DEVNULL, check=False))
        write(mounted / "precious", "data")
        self.backup("-rd", self.tree)
        subprocess.run(["umount", mounted], check=True)
        outcome = self.client("-rd", self.tree, expect=None)
        self.assertIn(outcome.status, (0, 3))
        self.assertIn(b"mounted", outcome.err)
        self.assertEqual(self.client("cat", mounted / "precious").out, b"data")


if __name__ == "__main__":
    main()
