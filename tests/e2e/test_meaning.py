"""rbbackup [-h | -rd] PATH...: each sentence of its meaning, on the two programs."""
from harness import *


class Meaning(TestCase):
    def setUp(self):
        super().setUp()
        for name in ("a", "b", "sub/c", "sub/deep/d", "other/e"):
            write(self.tree / name, name)
        self.serve()

    def names(self, path=None):
        root = path or self.tree
        listed = self.client("ls", "-r", "--json", root).lines
        return sorted(str(pathlib.Path(e["path"]).relative_to(root)) for e in listed)

    def test_a_file(self):
        self.backup(self.tree / "a")
        self.assertEqual(self.names(), ["a"])
        write(self.tree / "a", "changed")
        self.backup(self.tree / "a")
        self.assertEqual(self.client("cat", self.tree / "a").out, b"changed")

    def test_a_directory_without_r(self):
        self.backup(self.tree)
        self.assertEqual(self.names(), ["a", "b"])
        self.backup("-r", self.tree)
        (self.tree / "a").unlink()
        shutil.rmtree(self.tree / "sub")
        self.backup("-d", self.tree, "--force")
        self.assertEqual(self.names(), ["b", "other", "other/e", "sub", "sub/c", "sub/deep", "sub/deep/d"])

    def test_without_d_what_is_gone_stays_and_says_why(self):
        self.backup("-r", self.tree)
        (self.tree / "a").unlink()
        shutil.rmtree(self.tree / "sub")
        self.backup("-r", self.tree)
        self.assertIn("sub/deep/d", self.names())
        listed = self.ls(self.tree)
        self.assertEqual(listed["a"]["kept"]["reason"], "absent")
        self.assertEqual(listed["sub"]["kept"]["reason"], "absent")
        self.assertNotIn("kept", self.ls(self.tree / "sub")["c"])
        exact = self.scratch / "exact"
        self.client("restore", self.tree, "--to", exact, "--exact")
        self.assert_same(self.tree, exact / "tree")

    def test_with_d_history_stays(self):
        self.backup("-r", self.tree)
        before = self.snapshots()[0]["id"]
        shutil.rmtree(self.tree / "sub")
        self.backup("-rd", self.tree)
        self.assertEqual(self.names(), ["a", "b", "other", "other/e"])
        self.assertEqual(self.client("cat", self.tree / "sub/c", "--at", before).out, b"sub/c")
        self.assertEqual(self.client("cat", self.tree / "sub/c", "--at", before[:10]).out, b"sub/c")
        changes = {e["path"][len(str(self.tree)) + 1:]: e["change"]
                   for e in self.client("diff", self.tree, "--from", before, "--json").lines}
        self.assertEqual({k: v for k, v in changes.items() if v == "removed"},
                         {k: "removed" for k in ("sub", "sub/c", "sub/deep", "sub/deep/d")})

    def test_a_change_of_type_replaces(self):
        self.backup("-r", self.tree)
        (self.tree / "a").unlink()
        write(self.tree / "a/now a directory", "x")
        shutil.rmtree(self.tree / "sub")
        write(self.tree / "sub", "now a file")
        self.backup("-r", self.tree)
        self.assertEqual(self.names(), ["a", "a/now a directory", "b", "other", "other/e", "sub"])

    def test_several_paths_are_one_snapshot(self):
        self.backup("-r", self.tree / "sub", self.tree / "other", self.tree / "sub/deep")
        self.assertEqual(len(self.snapshots()), 1)
        self.assertEqual([s["path"] for s in self.snapshots()[0]["sources"]],
                         [str(self.tree / "other"), str(self.tree / "sub")])

    def test_excluded(self):
        write(self.tree / "x.o", "object")
        self.backup("-r", self.tree)
        self.backup("-r", self.tree, "--exclude", "*.o")
        self.assertEqual(self.ls(self.tree)["x.o"]["kept"]["reason"], "excluded")
        self.backup("-rd", self.tree, "--exclude", "*.o")
        self.assertNotIn("x.o", self.names())

    def test_a_symlink_to_a_directory_is_followed_and_said(self):
        (self.scratch / "link").symlink_to(self.tree)
        outcome = self.client("-r", self.scratch / "link")
        self.assertIn(bytes(self.tree), outcome.err)
        self.assertIn("a", self.names())

    def test_guard(self):
        for i in range(200):
            write(self.tree / f"many/f{i}", str(i))
        self.backup("-rd", self.tree)
        for i in range(120):
            (self.tree / f"many/f{i}").unlink()
        outcome = self.client("-rd", self.tree, expect=1)
        self.assertIn(b"--force", outcome.err)
        self.assertEqual(len(self.snapshots()), 1)
        self.backup("-rd", self.tree, "--force")
        self.assertEqual(len(self.ls(self.tree / "many")), 80)
        shutil.rmtree(self.tree)
        self.tree.mkdir()
        self.client("-rd", self.tree, expect=1)
        self.tree.rmdir()
        self.client("-rd", self.tree, expect=1)
        self.client("-rd", "--force", self.tree)
        self.client("ls", self.tree, expect=1)

    def test_forget(self):
        self.backup("-r", self.tree)
        before = self.snapshots()[0]["id"]
        self.client("forget", self.tree / "sub")
        self.assertEqual(self.names(), ["a", "b", "other", "other/e"])
        self.client("cat", self.tree / "sub/c", "--at", before)

    def test_log_of_a_path(self):
        self.backup("-r", self.tree)
        write(self.tree / "b", "other content")
        self.backup("-r", self.tree)
        write(self.tree / "a", "new content of a")
        self.backup("-r", self.tree)
        self.assertEqual(len(self.snapshots()), 3)
        self.assertEqual(len(self.client("log", "--json", self.tree / "b").lines), 2)

    def test_dry_run(self):
        summary = self.backup("-rn", self.tree)
        self.assertEqual(summary["new"], 9)
        self.assertEqual(self.snapshots(), [])

    def test_restore_leaves_what_differs(self):
        self.backup("-r", self.tree)
        write(self.tree / "a", "mine, newer")
        (self.tree / "b").unlink()
        outcome = self.client("restore", self.tree, expect=3)
        self.assertIn(b"tree/a", outcome.err)
        self.assertEqual((self.tree / "a").read_text(), "mine, newer")
        self.assertEqual((self.tree / "b").read_text(), "b")
        self.client("restore", self.tree, "--overwrite")
        self.assertEqual((self.tree / "a").read_text(), "a")

    def test_only_what_changed_moves(self):
        write(self.tree / "big", seeded_bytes(3, 8_000_000))
        self.backup("-r", self.tree)
        (self.tree / "big").rename(self.tree / "renamed")
        shutil.copyfile(self.tree / "renamed", self.tree / "copied")
        self.assertLess(self.backup("-rd", self.tree)["bytes_sent"], 20_000)
        os.utime(self.tree / "renamed")
        touched = self.backup("-rd", self.tree)
        self.assertLess(touched["bytes_sent"], 10_000)
        with open(self.tree / "renamed", "r+b") as f:
            f.seek(4_000_000)
            f.write(b"?")
        self.assertLess(self.backup("-rd", self.tree)["bytes_sent"], 1_100_000)
        self.restore_and_compare()


if __name__ == "__main__":
    main()
