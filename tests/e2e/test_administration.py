"""What an administrator does: verbs with and without a running server, settings, reload, health and metrics, keys, and
what systemd asks of a service."""
import http.client
import socket
import ssl
import tempfile
import time
import unittest

from harness import *


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def tls_connection(address):
    """Trusts any key: what the server says to strangers is what is looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = address.rsplit(":", 1)
    return http.client.HTTPSConnection(host, int(port), timeout=PATIENCE, context=context)


def ask(connection, method, target, body=None, **headers):
    """Status, header fields, body."""
    connection.request(method, target, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()  # the next request opens it again


def bearer(token):
    return f"Bearer {token.strip()}"


class AdministrationCase(TestCase):
    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"
        self.config = self.repository / "config.toml"

    def daemon(self, *words, expect=0):
        return self.client(self.repository, *words, program=BIN / "rbbackupd", expect=expect)

    def verb(self, *words, expect=0):
        return self.daemon(*words, "--socket", self.socket, expect=expect)

    def nodes(self):
        return {node["name"]: node for node in self.verb("nodes", "--json").lines}

    def wait_for_log(self, server, words, times=1):
        deadline = time.monotonic() + PATIENCE
        while server.log_text.count(words) < times:
            self.assertLess(time.monotonic(), deadline, f"'{words}' is not in\n{server.log_text}")
            time.sleep(0.02)

    def reload(self, server, words="reloaded"):
        before = server.log_text.count(words)
        server.process.send_signal(signal.SIGHUP)
        self.wait_for_log(server, words, before + 1)


class Verbs(AdministrationCase):
    def setUp(self):
        super().setUp()
        write(self.tree / "file", "content")

    def test_invite_prints_one_link_and_nothing_else(self):
        self.serve_tls()
        outcome = self.verb("invite", "ana", "--expires", "30m", "--group", "family")
        self.assertRegex(outcome.out.decode(), r"\Arbbackup://127\.0\.0\.1:\d+/ana#[A-Za-z0-9_-]{104}\n\Z")
        self.assertIn(b"good once, until", outcome.err)
        code = outcome.out.split(b"#")[1].strip()
        self.assertNotIn(code, outcome.err)
        self.assertTrue(self.nodes()["ana"]["invited"])
        self.assertEqual(self.nodes()["ana"]["group"], "family")

    def test_the_address_of_a_link(self):
        server = self.serve_tls()
        link = self.verb("invite", "ana", "--address", "backup.example.org:1234").out
        self.assertTrue(link.startswith(b"rbbackup://backup.example.org:1234/ana#"))
        self.config.write_text('public_address = "[2001:db8::7]:8420"\n')
        self.reload(server)
        self.assertTrue(self.verb("invite", "ana").out.startswith(b"rbbackup://[2001:db8::7]:8420/ana#"))

    def test_without_a_listener_nobody_is_invited(self):
        self.serve()
        outcome = self.verb("invite", "ana", expect=1)
        self.assertEqual(outcome.out, b"")
        self.assertIn(b"--listen", outcome.err)
        self.assertNotIn("ana", self.nodes())

    def test_bad_names_are_refused(self):
        self.serve_tls()
        for name in ("../x", "a/b", "a b", ".hidden", "x" * 65, "a\nb", ""):
            self.verb("invite", name, expect=1)
        self.assertEqual([n for n, node in self.nodes().items() if node["invited"]], [])

    def check_verbs(self):
        self.verb("invite", "ana")
        self.verb("invite", "ben")
        self.verb("rename", "ana", "anna", expect=1)  # nobody joined as ana yet
        self.verb("remove", "ben")
        self.verb("remove", "ben", expect=1)
        self.assertIn("ana", self.nodes())
        self.assertNotIn("ben", self.nodes())
        table = self.verb("nodes").out.decode().splitlines()
        self.assertTrue(table[0].startswith("NODE "), table)
        self.assertTrue(any(line.startswith("ana ") and "invited" in line for line in table), table)
        self.assertRegex(self.verb("admin-token").out, rb"\A[0-9a-f]{80}\n\Z")
        self.verb("admin-token", "--name", "two words", expect=1)
        token = self.verb("admin-token", "--name", "grafana").out.decode()
        self.verb("revoke-token", token[:16])
        self.verb("revoke-token", token[:16], expect=1)
        self.assertEqual([t["name"] for t in self.verb("admin-tokens", "--json").lines], ["token-1"])
        pin = self.verb("new-key").out
        self.assertRegex(pin, rb"\A[0-9a-f]{64}\n\Z")
        self.assertEqual(self.verb("new-key").out, pin)
        self.assertEqual(self.verb("new-key", "--switch").out, pin)
        self.assertIn(b"no next key", self.verb("new-key", "--switch", expect=1).err)

    def test_with_a_running_server(self):
        self.serve_tls()
        self.check_verbs()

    def test_without_a_server(self):
        self.serve().stop()
        self.config.write_text('listen = ["127.0.0.1:8420"]\n')
        self.check_verbs()
        self.assertTrue(self.verb("invite", "ana").out.startswith(b"rbbackup://127.0.0.1:8420/ana#"))

    def test_a_node_is_renamed_and_removed(self):
        server = self.serve_tls()
        ana = self.member(server, "ana")
        write(ana.tree / "file", "x" * 10_000)
        ana.backup()
        node = self.nodes()["ana"]
        self.assertEqual((node["snapshot_count"], node["logical_bytes"], node["last_address"]),
                         (1, 10_000, "127.0.0.1"))
        self.verb("rename", "ana", "anna")
        self.assertEqual(self.nodes()["anna"]["node"], node["node"])
        ana.backup()
        self.verb("remove", "anna")
        self.assertTrue(self.nodes()["anna"]["revoked"])
        outcome = ana.client("-r", ana.tree, expect=None)
        self.assertEqual(outcome.status, 4, outcome)
        self.assertIn(b"removed", outcome.err)

    def test_the_server_is_found_by_its_configuration(self):
        self.serve().stop()
        self.config.write_text(f'socket = "{self.scratch}/elsewhere"\n')
        server = subprocess.Popen([BIN / "rbbackupd", self.repository], stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (server.kill(), server.wait()))
        deadline = time.monotonic() + PATIENCE
        while not (self.scratch / "elsewhere").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.daemon("nodes")

    def test_a_server_somewhere_else_is_found_by_its_note(self):
        self.serve()
        outcome = self.client(self.repository, "nodes", program=BIN / "rbbackupd")
        self.assertIn(b"active", outcome.out)

    def test_without_the_note_it_is_said_so(self):
        self.serve()
        (self.repository / "listening").unlink()
        outcome = self.client(self.repository, "nodes", "--socket", self.scratch / "wrong",
                              program=BIN / "rbbackupd", expect=1)
        self.assertIn(b"--socket", outcome.err)

    def test_the_server_of_another_repository_is_not_asked(self):
        other = Server(self.scratch / "other", self.scratch / "other.sock")
        self.addCleanup(other.kill)
        self.serve().stop()
        with_token = self.daemon("admin-token", "--socket", other.socket).out.decode()
        status, _, _ = ask(UnixConnection(other.socket), "GET", "/v1/nodes")
        self.assertEqual(status, 200)
        self.assertEqual(len(with_token.strip()), 80)
        self.assertNotIn("token", other.log_text)

    def test_no_repository_is_made_by_a_verb(self):
        self.assertIn(b"no repository", self.verb("nodes", expect=1).err)
        self.assertFalse(self.repository.exists())

    def test_usage(self):
        for words in (("invite",), ("nodes", "--group", "g"), ("invite", "x", "--expires", "soon"), ("frobnicate",)):
            self.daemon(*words, expect=2)


class Settings(AdministrationCase):
    def test_the_file_explains_itself(self):
        self.serve().stop()
        self.assertEqual(self.config.read_bytes(), self.daemon("config").out)
        self.serve().stop()

    def test_a_file_that_is_there_first_is_kept_and_used(self):
        self.repository.mkdir(mode=0o700)
        self.config.write_text('listen = ["127.0.0.1:0"]\n')
        server = self.serve()
        self.assertEqual(len(server.addresses), 1)
        self.assertEqual(self.config.read_text(), 'listen = ["127.0.0.1:0"]\n')

    def test_every_mistake_is_named_with_its_line(self):
        self.serve().stop()
        self.config.write_text('max_clients = "many"\n\nlisten_to = []\n[limits]\nbandwidth = "fast"\n')
        server = self.serve(expect_failure=True)
        self.assertEqual(server.process.wait(PATIENCE), 1)
        for words in ("config.toml:1: 'max_clients'", "config.toml:3: there is no setting 'listen_to'",
                      "config.toml:5: 'limits.bandwidth'"):
            self.assertIn(words, server.log_text)
        self.assertEqual(self.daemon("config").status, 0)

    def test_the_command_line_wins(self):
        self.serve().stop()
        self.config.write_text(f'listen = ["127.0.0.1:0"]\nsocket = "{self.scratch}/unused"\n')
        server = self.serve_tls("--listen", "127.0.0.2:0")
        self.assertEqual([a.split(":")[0] for a in server.addresses], ["127.0.0.1", "127.0.0.2"])
        self.assertFalse((self.scratch / "unused").exists())

    def test_reload_takes_over_what_it_can(self):
        server = self.serve()
        self.config.write_text('max_clients = 5\n[quota]\nstored = "1 kB"\n[log]\nlevel = "debug"\n')
        self.reload(server)
        self.assertIn("wait for the next start: max_clients", server.log_text)
        write(self.tree / "big", seeded_bytes(1, 100_000))
        outcome = self.client("-r", self.tree, expect=None)
        self.assertNotEqual(outcome.status, 0)
        self.assertIn(b"quota", outcome.err)
        self.config.write_text("")
        self.reload(server)
        self.backup("-r", self.tree)

    def test_a_reload_with_a_mistake_changes_nothing(self):
        server = self.serve_tls()
        self.config.write_text("nonsense = 1\n")
        self.reload(server, "nothing was changed")
        self.config.write_text("")
        (self.repository / "tls/key.pem").rename(self.scratch / "key.pem")
        self.reload(server, "nothing was changed")
        status, _, _ = ask(tls_connection(server.address), "GET", "/v1/server")
        self.assertEqual(status, 200)

    def test_a_certificate_of_ones_own_is_read_again(self):
        for name in ("one", "two"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-subj", f"/CN={name}", "-keyout", self.scratch / f"{name}.key", "-out",
                            self.scratch / f"{name}.pem"], check=True, capture_output=True)
        certificate, key = self.scratch / "cert.pem", self.scratch / "key.pem"
        shutil.copy(self.scratch / "one.pem", certificate)
        shutil.copy(self.scratch / "one.key", key)
        server = self.serve_tls("--tls-cert", certificate, "--tls-key", key)
        self.assertEqual(self.served_certificate(server), (self.scratch / "one.pem").read_text())
        self.assertIn(b"of your own", self.verb("new-key", expect=1).err)
        shutil.copy(self.scratch / "two.pem", certificate)
        self.reload(server, "nothing was changed")
        shutil.copy(self.scratch / "two.key", key)
        self.reload(server)
        self.assertEqual(self.served_certificate(server), (self.scratch / "two.pem").read_text())

    def served_certificate(self, server):
        host, port = server.address.rsplit(":", 1)
        return ssl.get_server_certificate((host, int(port)))

    def test_log_lines_as_json(self):
        server = self.serve("--log-format", "json")
        self.client("status")
        server.stop()
        lines = [json.loads(line) for line in server.log_text.splitlines()]
        self.assertTrue(all({"time", "level", "message"} <= line.keys() for line in lines))
        self.assertTrue(any("request" in line for line in lines), lines)


class Watching(AdministrationCase):
    def test_health_and_metrics_on_the_socket(self):
        self.serve()
        write(self.tree / "file", "content")
        self.backup("-r", self.tree)
        connection = UnixConnection(self.socket)
        self.assertEqual(ask(connection, "GET", "/healthz")[::2], (200, "ok\n"))
        status, headers, text = ask(connection, "GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))
        self.assertRegex(text, r'(?m)^rbbackup_node_last_backup_timestamp_seconds\{node="[^"]+"\} \d{10}$')
        self.assertRegex(text, r'(?m)^rbbackup_node_snapshots\{node="[^"]+"\} 1$')
        self.assertRegex(text, r'(?m)^rbbackup_request_seconds_count [1-9]\d*$')
        self.assertRegex(text, r'(?m)^rbbackup_received_bytes_total [1-9]\d*$')
        self.assertRegex(text, r'(?m)^rbbackup_objects [1-9]\d*$')

    def test_over_the_network_only_with_a_token(self):
        server = self.serve_tls()
        connection = tls_connection(server.address)
        self.assertEqual(ask(connection, "GET", "/v1/server")[0], 200)
        for target in ("/healthz", "/metrics", "/v1/nodes"):
            status, headers, body = ask(connection, "GET", target)
            self.assertEqual((status, headers["www-authenticate"]), (401, "Bearer"))
            self.assertEqual(json.loads(body)["error"]["code"], "denied")
        token = server.run("admin-token")
        self.assertEqual(ask(connection, "GET", "/healthz", Authorization=bearer(token))[0], 200)
        self.assertEqual(ask(connection, "GET", "/metrics", Authorization=bearer(token))[0], 200)
        status, _, body = ask(connection, "POST", "/v1/nodes/self/sessions", Authorization=bearer(token),
                              body=json.dumps({"run": "0" * 32, "purpose": "read"}))
        self.assertEqual(status, 403, body)
        self.assertNotIn(token.strip()[16:], server.log_text)

    def tokens(self):
        return {token["name"]: token for token in self.verb("admin-tokens", "--json").lines}

    def test_a_token_is_listed_and_revoked(self):
        server = self.serve_tls()

        def status(token):
            return ask(tls_connection(server.address), "GET", "/metrics", Authorization=bearer(token))[0]

        gone = self.verb("admin-token", "--name", "grafana").out.decode().strip()
        kept = self.verb("admin-token").out.decode().strip()
        self.assertEqual({name: token["id"] for name, token in self.tokens().items()},
                         {"grafana": gone[:16], "token-2": kept[:16]})
        self.assertNotIn("last_used", self.tokens()["grafana"])
        self.assertEqual((status(gone), status(kept)), (200, 200))
        self.assertAlmostEqual(self.tokens()["grafana"]["last_used"]["seconds"], time.time(), delta=60)
        table = self.verb("admin-tokens").out.decode()
        self.assertRegex(table, rf"(?m)^{gone[:16]} .* grafana$")

        self.assertIn(b"no administrator's token", self.verb("revoke-token", "0" * 16, expect=1).err)
        outcome = self.verb("revoke-token", gone, expect=1)  # the whole of it, by mistake
        self.assertNotIn(gone[16:].encode(), outcome.err)
        self.assertEqual((status(gone), status(kept)), (200, 200))
        connection = tls_connection(server.address)
        connection.connect()  # before, and used after
        self.assertIn(b"'grafana'", self.verb("revoke-token", gone[:15]).err)
        status_code, headers, body = ask(connection, "GET", "/metrics", Authorization=bearer(gone))
        self.assertEqual((status_code, headers["www-authenticate"]), (401, "Bearer"))
        self.assertEqual(body, ask(connection, "GET", "/metrics", Authorization=bearer("0" * 80))[2])
        self.assertIn(b"already", self.verb("revoke-token", gone[:16], expect=1).err)
        self.assertEqual((status(gone), status(kept)), (401, 200))

        for rebuilt in (False, True):
            server.stop()
            if rebuilt:
                shutil.rmtree(self.repository / "catalog")
            self.assertEqual(list(self.tokens()), ["token-2"])  # without a server
            self.assertIn(b"already", self.verb("revoke-token", gone[:16], expect=1).err)
            if rebuilt:
                shutil.rmtree(self.repository / "catalog")
            server = self.serve_tls()
            self.assertEqual((status(gone), status(kept)), (401, 200))
        for secret in (gone[16:], kept[16:]):
            self.assertNotIn(secret, server.log_text)

    def test_a_token_revokes_over_the_network_too(self):
        server = self.serve_tls()
        first, second = server.run("admin-token").strip(), server.run("admin-token").strip()
        connection = tls_connection(server.address)

        def revoke(token):
            return ask(connection, "POST", "/v1/administrator-tokens/revoke", Authorization=bearer(first),
                       body=json.dumps({"id": token[:16]}))[0]

        ana = self.member(server, "ana").joined["credential"]
        status, _, _ = ask(connection, "POST", "/v1/administrator-tokens/revoke",
                           Authorization=bearer(ana["id"] + ana["secret"]), body=json.dumps({"id": first[:16]}))
        self.assertEqual(status, 403)
        self.assertEqual([revoke(second), revoke(second), revoke("f" * 16), revoke(first), revoke(first)],
                         [200, 409, 404, 200, 401])
        self.assertEqual(self.tokens(), {})

    def test_a_node_is_no_administrator(self):
        server = self.serve_tls()
        ana = self.member(server, "ana")
        credential = ana.joined["credential"]["id"] + ana.joined["credential"]["secret"]
        status, _, body = ask(tls_connection(server.address), "GET", "/v1/nodes", Authorization=bearer(credential))
        self.assertEqual(status, 403, body)

    @unittest.skipUnless(IS_ROOT, "needs another user")
    def test_another_user_of_the_machine_is_no_administrator(self):
        self.serve()
        os.chmod(self.scratch, 0o755)
        found = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", self.socket,
                                "http://localhost/metrics"], user=1234, group=1234, capture_output=True, check=True)
        self.assertEqual(found.stdout, b"403")

    def test_guessing_is_slowed_down(self):
        server = self.serve_tls()
        ana = self.member(server, "ana")
        write(ana.tree / "file", "content")
        ana.backup()
        connection = tls_connection(server.address)
        found = []
        for i in range(12):
            status, headers, _ = ask(connection, "GET", "/v1/nodes", Authorization=bearer(f"{i:080x}"))
            found.append(status)
        self.assertEqual(found[:10], [401] * 10)
        self.assertEqual(found[-1], 429)
        self.assertGreaterEqual(int(headers["retry-after"]), 1)
        ana.backup()  # from the same address, with a credential that was right before
        self.assertNotIn(f"{11:080x}", server.log_text)

    def test_read_only_is_not_healthy(self):
        server = self.serve()
        write(self.tree / "file", "content")
        self.backup("-r", self.tree)
        server.stop()
        # Two valid copies of the journal that differ: one goes back in time and takes another way.
        shutil.copytree(self.repository, self.scratch / "branch", symlinks=True)
        branch = Server(self.scratch / "branch", self.scratch / "branch.sock")
        self.addCleanup(branch.kill)
        environment = {**self.environment, "RBBACKUP_SERVER": f"unix:{branch.socket}"}
        write(self.tree / "file", "other content")
        self.client("-r", self.tree, env=environment)
        branch.stop()
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        shutil.rmtree(self.repository / "journal.2")
        shutil.copytree(self.scratch / "branch/journal.2", self.repository / "journal.2")
        self.serve()
        status, _, body = ask(UnixConnection(self.socket), "GET", "/healthz")
        self.assertEqual(status, 503, body)
        self.assertTrue(body.startswith("read-only: "), body)
        self.assertIn("\nrbbackup_read_only 1\n", ask(UnixConnection(self.socket), "GET", "/metrics")[2])


class Keys(AdministrationCase):
    def test_a_next_key_is_learned_and_used(self):
        server = self.serve_tls()
        ana, late = self.member(server, "ana"), self.member(server, "late")
        for machine in (ana, late):
            write(machine.tree / "file", "content")
        late.backup()
        pin = server.run("new-key").strip()
        ana.backup()
        self.assertEqual(server.run("new-key", "--switch").strip(), pin)
        ana.backup()
        self.assertEqual(late.client("-r", late.tree, expect=None).status, 4)
        port = server.address.rsplit(":", 1)[1]
        server.stop()
        self.serve_tls(port=port)
        ana.backup()


class Supervised(AdministrationCase):
    """Plays the part of systemd."""

    def start(self, *options, sockets=()):
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notices.close)
        self.notices.bind(str(self.scratch / "notify"))
        self.notices.settimeout(PATIENCE)
        self.log = open(self.scratch / "log", "ab")
        self.addCleanup(self.log.close)

        def prepare():
            for i, s in enumerate(sockets):
                os.dup2(s.fileno(), 100 + i)
            for i in range(len(sockets)):
                os.dup2(100 + i, 3 + i, inheritable=True)
                os.close(100 + i)

        environment = {**os.environ, "NOTIFY_SOCKET": str(self.scratch / "notify")}
        if sockets:
            environment["LISTEN_FDS"] = str(len(sockets))
        # A shell sets the pid, since only the process itself knows it.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", BIN / "rbbackupd", self.repository, *options],
            stderr=self.log, env=environment, preexec_fn=prepare, close_fds=False)
        self.addCleanup(lambda: (self.process.kill(), self.process.wait()) if self.process.poll() is None else None)

    def notice(self):
        return dict(line.split("=", 1) for line in self.notices.recv(4096).decode().splitlines())

    def test_ready_reloading_stopping(self):
        self.start("--socket", self.socket)
        self.assertEqual(self.notice()["READY"], "1")
        self.assertEqual(ask(UnixConnection(self.socket), "GET", "/healthz")[0], 200)
        self.process.send_signal(signal.SIGHUP)
        reloading = self.notice()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertTrue(reloading["MONOTONIC_USEC"].isdigit())
        self.assertEqual(self.notice()["READY"], "1")
        self.process.terminate()
        self.assertEqual(self.notice()["STOPPING"], "1")
        self.assertEqual(self.process.wait(PATIENCE), 0)

    def test_sockets_that_were_opened_before(self):
        unix, tcp = socket.socket(socket.AF_UNIX), socket.socket()
        self.addCleanup(unix.close)
        self.addCleanup(tcp.close)
        unix.bind(str(self.socket))
        unix.listen()
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        address = f"127.0.0.1:{tcp.getsockname()[1]}"
        self.start(sockets=(unix, tcp))
        self.assertEqual(self.notice()["READY"], "1")
        self.assertEqual(ask(UnixConnection(self.socket), "GET", "/healthz")[0], 200)
        self.assertEqual(ask(tls_connection(address), "GET", "/v1/server")[0], 200)
        link = self.verb("invite", "ana").out.decode()
        self.assertTrue(link.startswith(f"rbbackup://{address}/ana#"), link)
        self.process.terminate()
        self.assertEqual(self.process.wait(PATIENCE), 0)
        self.assertTrue(self.socket.exists(), "a socket of others is not ours to remove")

    def test_what_is_no_socket_is_refused(self):
        with tempfile.TemporaryFile() as file:
            self.start(sockets=(file,))
            self.assertEqual(self.process.wait(PATIENCE), 1)
        self.assertIn("no listening socket", (self.scratch / "log").read_text())
        self.assertFalse(self.repository.exists())


class Units(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd-analyze")
    def test_units_are_in_order(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "packaging/systemd"
        with tempfile.TemporaryDirectory() as scratch:
            units = []
            for unit in ("rbbackupd.service", "rbbackupd.socket", "rbbackup.service", "rbbackup.timer"):
                path = pathlib.Path(scratch) / unit
                path.write_text((source / unit).read_text().replace("@CMAKE_INSTALL_FULL_BINDIR@", str(BIN)))
                units.append(path)
            found = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, check=False)
            self.assertEqual((found.returncode, found.stderr), (0, b""))


if __name__ == "__main__":
    main()
