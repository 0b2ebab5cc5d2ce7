"""A tree with everything a file system can hold goes to a server and comes back."""
import socket as sockets
import stat

from harness import *


def odd_tree(tree):
    tree.mkdir()
    raw = os.fsencode(tree) + b"/"
    write(tree / "plain", "hello\n")
    write(tree / "empty", "")
    write(tree / "sub/deep/er", "x" * 1000)
    (tree / "empty directory").mkdir()
    for name in (b"new\nline", b"inv\xffalid", b"-dash", b"x" * 255, b" lead", b"tab\t", b"\x01", b"back\\slash", "ñ".encode()):
        with open(raw + name, "wb") as f:
            f.write(name)
    os.symlink("plain", tree / "link")
    os.symlink("/nowhere/\n", tree / "dangling")
    os.symlink(b"\xff\xfe", raw + b"rawlink")
    os.symlink("sub", tree / "dirlink")
    os.mkfifo(tree / "fifo", 0o640)
    with sockets.socket(sockets.AF_UNIX) as s:
        s.bind(str(tree / "socket"))
    os.link(tree / "plain", tree / "sub/hard")
    os.link(tree / "fifo", tree / "fifo2")
    write(tree / "big", seeded_bytes(1, 3_000_000))
    with open(tree / "sparse", "wb") as f:
        f.seek(5_000_000)
        f.write(b"middle")
        f.truncate(40_000_000)
    with open(tree / "zeros", "wb") as f:
        f.write(bytes(1_000_000))
    write(tree / "suid", "s").chmod(0o4755)
    write(tree / "sgid", "s").chmod(0o2750)
    (tree / "sticky").mkdir()
    (tree / "sticky").chmod(0o1777)
    write(tree / "none", "no permission").chmod(0)
    write(tree / "locked/in", "a read-only directory")
    os.utime(tree / "plain", ns=(1, 1_234_567_890_123_456_789))
    os.utime(tree / "link", ns=(5, 99_000_000_007), follow_symlinks=False)
    os.utime(tree / "empty", ns=(0, -1_000_000_001))
    if IS_ROOT:
        os.mknod(tree / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(tree / "disk", stat.S_IFBLK | 0o660, os.makedev(259, 70_000))
        os.chown(tree / "plain", 12345, 54321)
        os.chown(tree / "link", 1, 2, follow_symlinks=False)
        os.setxattr(tree / "plain", "trusted.t", b"\0\1\2")
        subprocess.run(["setcap", "cap_net_raw+ep", tree / "suid"], check=True)
    os.setxattr(tree / "plain", "user.note", b"value \xff")
    os.setxattr(tree / "sub", "user.large", b"L" * 3000)
    subprocess.run(["setfacl", "-m", "u:1:rwx,g:2:r", tree / "sub"], check=True)
    subprocess.run(["setfacl", "-d", "-m", "u:1:rwx", tree / "sub"], check=True)
    subprocess.run(["setfacl", "-m", "u:3:r", tree / "big"], check=True)
    (tree / "locked").chmod(0o555)
    os.utime(tree, ns=(7, 1_000_000_000_000_000_001))


class RoundTrip(TestCase):
    def test_everything_comes_back(self):
        odd_tree(self.tree)
        self.serve()
        first = self.backup("-r", self.tree)
        self.assertEqual(first["failed"], 0)
        restored = self.restore_and_compare()
        self.assertLess(os.stat(restored / "sparse").st_blocks, 1000)
        self.assertEqual(os.stat(restored / "plain").st_ino, os.stat(restored / "sub/hard").st_ino)
        self.assertEqual(os.stat(restored / "plain").st_mtime_ns, 1_234_567_890_123_456_789)
        self.assertEqual(os.stat(restored).st_mtime_ns, 1_000_000_000_000_000_001)

    def test_a_second_run_sends_nothing(self):
        odd_tree(self.tree)
        self.serve()
        self.backup("-r", self.tree)
        self.backup("-r", self.tree)  # what was younger than the clock's tick is looked at once more
        second = self.backup("-r", self.tree)
        self.assertEqual((second["new"], second["changed"], second["removed"]), (0, 0, 0))
        self.assertEqual(second["bytes_read"], 0)
        self.assertLess(second["bytes_sent"], 4096)
        self.assertEqual(len(self.snapshots()), 3)
        self.restore_and_compare()

    def test_a_restore_repeated_writes_nothing(self):
        odd_tree(self.tree)
        self.serve()
        self.backup("-r", self.tree)
        target = self.scratch / "target"
        self.client("restore", self.tree, "--to", target)
        again = self.client("--json", "restore", self.tree, "--to", target).summary
        self.assertEqual((again["files"], again["differing"], again["failed"]), (0, 0, 0))

    def test_a_terabyte_of_holes(self):
        self.tree.mkdir()
        with open(self.tree / "sparse", "wb") as f:
            f.seek(700_000_000_001)
            f.write(b"middle")
            f.truncate(1 << 40)
        self.serve()
        self.assertLess(self.backup("-r", self.tree)["bytes_read"], 1_000_000)
        target = self.scratch / "target"
        self.client("restore", self.tree, "--to", target)
        with open(target / "tree/sparse", "rb") as f:
            f.seek(700_000_000_001)
            self.assertEqual(f.read(8), b"middle\0\0")
        info = os.stat(target / "tree/sparse")
        self.assertEqual(info.st_size, 1 << 40)
        self.assertLess(info.st_blocks, 1000)

    def test_a_path_deeper_than_path_max(self):
        self.tree.mkdir()
        here = os.open(self.tree, os.O_RDONLY)
        for _ in range(60):
            os.mkdir(b"d" * 200, dir_fd=here)
            there = os.open(b"d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = there
        with os.fdopen(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here), "w") as f:
            f.write("down here")
        os.close(here)
        self.serve()
        summary = self.backup("-r", self.tree)
        self.assertEqual(summary["failed"], 0)
        target = self.scratch / "target"
        self.client("restore", self.tree, "--to", target)
        here = os.open(target / "tree", os.O_RDONLY)
        for _ in range(60):
            there = os.open(b"d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = there
        with os.fdopen(os.open("leaf", os.O_RDONLY, dir_fd=here)) as f:
            self.assertEqual(f.read(), "down here")
        os.close(here)


if __name__ == "__main__":
    main()
