"""The catalog is made anew from packs and journal, and the journal from either of its copies."""
import re

from harness import *

KEEP_ONE = '[retention]\nkeep_last = 1\nfloor = "0h"\nundelete_for = "0h"\nprune_every = "0"\n[gc]\nevery = "0"\n'


class RebuildTest(TestCase):
    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"

    def verb(self, *words, expect=0):
        return self.client(self.repository, *words, "--socket", self.socket, program=BIN / "rbbackupd", expect=expect)

    def lose_catalog(self, server):
        server.stop()
        shutil.rmtree(self.repository / "catalog")

    def fill(self, machine, count):
        for i in range(count):
            for j in range(5):
                write(machine.tree / f"file-{j}", seeded_bytes(100 * i + j, 50_000))
            machine.backup()

    def test_what_was_there_is_there_and_what_was_gone_stays_gone(self):
        server = self.serve_tls()
        server.stop()
        (self.repository / "config.toml").write_text(KEEP_ONE)
        server = self.serve_tls()
        kept, revoked = self.member(server, "kept"), self.member(server, "revoked")
        self.fill(kept, 3)
        self.fill(revoked, 1)
        self.verb("prune")
        self.verb("pin", "kept", kept.snapshots()[0]["id"])
        self.verb("remove", "revoked")
        for _ in range(3):  # what was uploaded outlives two collections
            self.verb("gc")
        before = self.verb("snapshots", "--json").out
        objects = self.verb("gc", "--json", "--dry-run").lines[0]["objects"]
        self.lose_catalog(server)
        server = self.serve_tls(port=int(server.address.split(":")[1]))
        said = re.search(r"rebuilt the catalog from packs and journal in [0-9.]+ s: (\d+) nodes, (\d+) snapshots, "
                         r"(\d+) objects in .* of packs; every snapshot is complete", server.log_text)
        self.assertTrue(said, server.log_text)
        nodes, snapshots, found = (int(number) for number in said.groups())
        self.assertEqual((nodes, snapshots), (3, 2))  # the host is a node too
        # What is dead and still lies in packs that were not emptied is there again until it is collected again.
        self.assertGreaterEqual(found, objects)
        self.assertEqual(self.verb("snapshots", "--json").out, before)
        self.assertEqual(len(kept.snapshots()), 1)
        kept.restore_and_compare()
        self.assertIn(b"removed", revoked.client("-r", revoked.tree, expect=4).err)
        self.assertIn(b"no damage", self.verb("check", "--data").err)
        for _ in range(4):
            self.verb("gc")
        self.assertEqual(self.verb("gc", "--json").lines[0]["objects"], objects)
        kept.backup()
        kept.restore_and_compare()

    def test_one_that_lacks_a_pack_says_so_and_a_backup_mends_it(self):
        server = self.serve()
        write(self.tree / "first", seeded_bytes(1, 100_000))
        self.backup("-r", self.tree)
        server.stop()
        self.serve().stop()
        server = self.serve()
        write(self.tree / "second", seeded_bytes(2, 100_000))
        self.backup("-r", self.tree)
        server.stop()
        pack = sorted((self.repository / "packs").glob("*.pack"))[0]
        pack.unlink()
        server = self.serve()
        self.assertIn("2 snapshots lack something", server.log_text)
        self.verb("check", expect=3)
        self.assertIn(b"nothing is collected", self.verb("gc", expect=1).err)
        self.backup("-r", self.tree)
        self.restore_and_compare()

    def test_a_verb_without_a_server_says_it_too(self):
        server = self.serve()
        write(self.tree / "first", seeded_bytes(1, 100_000))
        self.backup("-r", self.tree)
        self.lose_catalog(server)
        self.assertIn(b"rebuilt the catalog", self.verb("nodes").err)
        self.assertNotIn(b"rebuilt the catalog", self.verb("nodes").err)

    def test_one_copy_of_the_journal_serves_and_repairs_the_other(self):
        def copy(name):
            return {path.name: path.read_bytes() for path in sorted((self.repository / name).iterdir())}

        server = self.serve()
        write(self.tree / "file", seeded_bytes(1, 100_000))
        self.backup("-r", self.tree)
        ids = [snapshot["id"] for snapshot in self.snapshots()]
        server.stop()
        for damaged, good in [("journal.1", "journal.2"), ("journal.2", "journal.1")]:
            for way in ("flipped", "torn", "gone", "empty"):
                first = sorted((self.repository / damaged).iterdir())[0]
                if way == "flipped":
                    data = bytearray(first.read_bytes())
                    data[len(data) // 2] ^= 0xFF
                    first.write_bytes(data)
                elif way == "torn":
                    first.write_bytes(first.read_bytes()[:-20])
                elif way == "gone":
                    shutil.rmtree(self.repository / damaged)
                else:
                    first.write_bytes(b"")
                server = self.serve()
                self.assertEqual([snapshot["id"] for snapshot in self.snapshots()], ids, (damaged, way))
                self.backup("-r", self.tree)
                ids = [snapshot["id"] for snapshot in self.snapshots()]
                self.assertIn(b"no damage", self.verb("check").err)
                server.stop()
                # The mended copy is enough by itself.
                saved = copy(good)
                shutil.rmtree(self.repository / good)
                server = self.serve()
                self.assertEqual([snapshot["id"] for snapshot in self.snapshots()], ids, (damaged, way))
                server.stop()
                self.assertEqual(b"".join(copy(good).values())[-100:], b"".join(saved.values())[-100:], (damaged, way))


if __name__ == "__main__":
    main()
