#!/usr/bin/env python3
"""What the machine takes to move bytes from one process to another, doing nothing else with them: core-seconds per GB over a
Unix socket, over TCP on the loopback device, and over TLS 1.3 (AES-128-GCM) on that; the least of several runs, in turn.

    bare_stream.py [--gib N] [--runs N]     prints a JSON object: {"unix": s, "tcp": s, "tls": s}
"""
import argparse
import json
import os
import pathlib
import resource
import socket
import ssl
import subprocess
import sys
import tempfile

PIECE = 2 << 20
CIPHER = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


def listen(kind, directory):
    if kind == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(directory / f"socket-{os.urandom(4).hex()}"))
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def receive(kind, listener, directory, size):
    peer, _ = listener.accept()
    if kind == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "certificate", directory / "key")
        peer = context.wrap_socket(peer, server_side=True)
        assert peer.cipher()[0] == "TLS_AES_128_GCM_SHA256", peer.cipher()
    into = memoryview(bytearray(256 << 10))
    while size > 0:
        got = peer.recv_into(into)
        assert got > 0, "the sender ended"
        size -= got
    peer.sendall(b"!")


def send(kind, address, size):
    peer = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    peer.connect(address)
    if kind != "unix":
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # full segments
    if kind == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        peer = context.wrap_socket(peer)
    piece = os.urandom(PIECE)
    for _ in range(size // PIECE):
        peer.sendall(piece)
    if kind != "unix":
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    peer.recv(1)  # all has come


def in_child(work, *words):
    child = os.fork()
    if child > 0:
        return child
    try:
        work(*words)
        os._exit(0)
    except BaseException as error:  # nothing of the parent's is to be cleaned up here
        print(f"{work.__name__}: {error}", file=sys.stderr)
        os._exit(1)


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def core_seconds_per_gb(kind, directory, size):
    listener = listen(kind, directory)
    before = children_seconds()
    children = [in_child(receive, kind, listener, directory, size), in_child(send, kind, listener.getsockname(), size)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0, kind
    return (children_seconds() - before) / (size / 1e9)


def measure(gib=1, runs=7):
    """In a process of its own: the cipher is chosen when OpenSSL starts."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "openssl.cnf").write_text(CIPHER)
        out = subprocess.run([sys.executable, __file__, "--gib", str(gib), "--runs", str(runs)], check=True, text=True,
                             stdout=subprocess.PIPE, env=os.environ | {"OPENSSL_CONF": str(directory / "openssl.cnf")})
    return json.loads(out.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    if "OPENSSL_CONF" not in os.environ:
        print(json.dumps(measure(options.gib, options.runs)))
        return
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                        "-days", "2", "-keyout", directory / "key", "-out", directory / "certificate"], check=True,
                       capture_output=True, env={k: v for k, v in os.environ.items() if k != "OPENSSL_CONF"})
        found = {"unix": [], "tcp": [], "tls": []}
        for _ in range(options.runs):
            for kind, seconds in found.items():
                seconds.append(core_seconds_per_gb(kind, directory, options.gib << 30))
    print(json.dumps({kind: round(min(seconds), 3) for kind, seconds in found.items()}))


if __name__ == "__main__":
    main()
