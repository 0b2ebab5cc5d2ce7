"""Garbage collection with real processes: what it frees, what it never touches, kills in the middle, a full disk."""
import subprocess
import threading
import unittest

from harness import *
from test_retention import RetentionCase

FORGET_AT_ONCE = '[retention]\nkeep_last = 1\nfloor = "0h"\nundelete_for = "0h"\nprune_every = "0"\n'


class Collection(RetentionCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.settings(self.server, FORGET_AT_ONCE)

    def packed(self):
        return sum(p.stat().st_size for p in (self.repository / "packs").glob("*.pack"))

    def restart(self):
        self.server.stop()
        self.server = self.serve()

    def back_up_noise(self, number, size=3_000_000):
        write(self.tree / "noise", seeded_bytes(number, size))
        return self.backup("-r", self.tree)["snapshot"]

    def gc(self, *words):
        return self.verb("gc", "--json", *words).lines[0]

    def collect(self):
        """What was uploaded outlives two collections."""
        return [self.gc() for _ in range(3)]

    def test_what_no_snapshot_needs_is_freed_and_its_space_given_back(self):
        for number in range(4):
            self.back_up_noise(number)
            self.restart()  # each start opens a new pack
        before = self.packed()
        self.assertEqual(sum(done["dead"] for done in self.collect()), 0)
        self.verb("prune")
        self.assertGreater(self.gc("--dry-run")["dead"], 0)
        self.assertEqual(self.packed(), before)
        done = self.gc()
        self.assertGreater(done["bytes_freed"], 8_000_000)
        self.assertLess(self.packed(), before - 8_000_000)
        self.assertEqual(self.verb("check", "--data", "--json").lines[-1]["damage_count"], 0)
        self.restore_and_compare()

    def test_without_a_server(self):
        for number in range(3):
            self.back_up_noise(number)
        self.server.stop()
        self.verb("prune")
        done = self.collect()
        self.assertGreater(sum(one["dead"] for one in done), 0)
        self.server = self.serve()
        self.restore_and_compare()

    def test_backups_and_restores_go_on_beside_it(self):
        stopping = threading.Event()

        def collect_all_the_time():
            while not stopping.is_set():
                self.verb("prune")
                self.gc()

        collector = threading.Thread(target=collect_all_the_time)
        collector.start()
        try:
            for number in range(12):
                self.back_up_noise(number, 500_000)
                self.restore_and_compare()
                shutil.rmtree(self.scratch / "target", ignore_errors=True)
        finally:
            stopping.set()
            collector.join()
        self.assertEqual(self.verb("check", "--data", "--json").lines[-1]["damage_count"], 0)

    def test_a_server_killed_while_it_collects_goes_on_afterwards(self):
        for number in range(8):
            self.back_up_noise(number, 400_000)
            verb = subprocess.Popen([BIN / "rbbackupd", self.repository, "gc", "--socket", self.socket],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.server.kill()
            verb.wait()
            self.server = self.serve()
            self.verb("prune")
        self.collect()
        self.restore_and_compare()
        self.assertEqual(self.verb("check", "--data", "--json").lines[-1]["damage_count"], 0)

    @unittest.skipUnless(IS_ROOT, "mounts a small file system")
    def test_a_full_disk_is_made_free_by_it(self):
        self.server.stop()
        shutil.rmtree(self.repository)
        self.repository.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=700", "tmpfs", self.repository], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", self.repository], check=False))
        self.server = self.serve()
        self.settings(self.server, FORGET_AT_ONCE)
        for number in range(3):
            self.back_up_noise(number, 20_000_000)
            self.restart()
        for _ in range(2):
            self.gc()
        with open(self.repository / "somebody else's", "wb") as other:
            try:
                other.write(bytes(96_000_000))
                other.flush()
            except OSError:
                pass  # full, which is what was wanted
        write(self.tree / "more", seeded_bytes(9, 5_000_000))
        self.assertIn(b"space", self.client("-r", self.tree, expect=1).err)
        self.verb("prune")
        self.assertGreater(self.gc()["bytes_freed"], 30_000_000)
        self.backup("-r", self.tree)
        self.restore_and_compare()


if __name__ == "__main__":
    unittest.main()
