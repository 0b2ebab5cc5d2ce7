"""Starting, stopping, killing, refusing: and nothing acknowledged is ever lost."""
from harness import *


class ServerLife(TestCase):
    def setUp(self):
        super().setUp()
        for i in range(50):
            write(self.tree / f"d{i % 5}/f{i}", seeded_bytes(i, 20_000))

    def test_stops_in_order(self):
        server = self.serve()
        self.backup("-r", self.tree)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(self.socket.exists())
        server = self.serve()
        self.restore_and_compare()

    def test_kill_loses_nothing(self):
        server = self.serve()
        self.backup("-r", self.tree)
        server.kill()
        self.serve()
        self.restore_and_compare()
        again = self.backup("-r", self.tree)
        self.assertEqual(again["new"], 0)

    def test_a_second_server_is_refused(self):
        self.serve()
        second = Server(self.scratch / "repository", self.scratch / "socket2", expect_failure=True)
        self.assertFalse(second.ready)
        self.assertEqual(second.process.wait(PATIENCE), 1)
        self.assertIn("in use by process", second.log.read_text())

    def test_a_directory_with_something_else_is_refused(self):
        write(self.scratch / "repository/precious", "not a repository")
        server = self.serve(expect_failure=True)
        self.assertEqual(server.process.wait(PATIENCE), 1)
        self.assertEqual(os.listdir(self.scratch / "repository"), ["precious"])

    def test_without_its_catalog(self):
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        shutil.rmtree(self.scratch / "repository/catalog")
        self.serve()
        self.restore_and_compare()
        self.assertEqual(self.backup("-r", self.tree)["bytes_read"], 0)

    def test_one_copy_of_the_journal_is_enough(self):
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        shutil.rmtree(self.scratch / "repository/journal.1")
        shutil.rmtree(self.scratch / "repository/catalog")
        server = self.serve()
        self.restore_and_compare()
        server.stop()
        shutil.rmtree(self.scratch / "repository/journal.2")  # the first one was repaired meanwhile
        self.serve()
        self.restore_and_compare()

    def test_without_any_journal_it_is_refused(self):
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        for copy in ("journal.1", "journal.2"):
            (self.scratch / "repository" / copy).rename(self.scratch / copy)
        server = self.serve(expect_failure=True)
        self.assertEqual(server.process.wait(PATIENCE), 1)
        self.assertIn("journal", server.log.read_text())
        shutil.rmtree(self.scratch / "repository/journal.2", ignore_errors=True)
        (self.scratch / "journal.2").rename(self.scratch / "repository/journal.2")
        self.serve()
        self.restore_and_compare()

    def test_one_client_at_a_time(self):
        self.serve("--max-clients", "1")
        write(self.tree / "big", seeded_bytes(99, 30_000_000))
        clients = [self.start_client("-r", self.tree / f"d{i}") for i in range(4)]
        for client in clients:
            client.communicate(timeout=PATIENCE)
            self.assertEqual(client.returncode, 0)
        self.assertEqual(len(self.snapshots()), 4)
        self.assertEqual(len(self.ls(self.tree)), 4)

    def test_clients_on_different_paths_at_once(self):
        self.serve()
        clients = [self.start_client("-rd", self.tree / f"d{i}") for i in range(5)]
        for client in clients:
            _, err = client.communicate(timeout=PATIENCE)
            self.assertEqual(client.returncode, 0, err)
        for i in range(5):
            self.restore_and_compare(self.tree / f"d{i}")
        self.assertEqual(len(self.snapshots()), 5)

    def test_file_address_needs_no_server(self):
        self.environment["RBBACKUP_SERVER"] = f"file:{self.scratch}/repository"
        self.backup("-r", self.tree)
        self.restore_and_compare()


if __name__ == "__main__":
    main()
