"""A client of the protocol (docs/protocol.md) that does what it is told, also what an honest one never would."""
import base64
import hashlib
import http.client
import json
import os
import ssl
import struct

import blake3

CHUNK, CHUNK_LIST, TREE, SNAPSHOT = 1, 2, 3, 4
KIND_KEYS = {kind: blake3.derive_key(f"rbbackup object v0 {name}")
             for kind, name in ((CHUNK, "chunk"), (CHUNK_LIST, "chunk list"), (TREE, "tree"), (SNAPSHOT, "snapshot"))}
HAVE, SEND, WAIT = 0, 1, 2


# --- Links -----------------------------------------------------------------------------------------------------------

class Link:
    """rbbackup://HOST:PORT/NODE#CODE, taken apart; str() puts it together again, with a checksum that is right."""

    def __init__(self, text):
        place, code = text.strip().removeprefix("rbbackup://").split("#")
        self.address, self.node = place.rsplit("/", 1)
        raw = base64.urlsafe_b64decode(code)
        self.pin, self.invitation_id, self.secret = raw[:32], raw[32:40], raw[40:72]

    def __str__(self):
        place = f"{self.address}/{self.node}"
        raw = self.pin + self.invitation_id + self.secret
        raw += blake3.keyed(blake3.derive_key("rbbackup v0 join link checksum"), place.encode() + raw)[:6]
        return f"rbbackup://{place}#{base64.urlsafe_b64encode(raw).decode()}"


# --- Objects and blocks ----------------------------------------------------------------------------------------------

def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Object:
    def __init__(self, kind, payload, refs=(), forged_id=None):
        self.kind, self.payload, self.refs = kind, payload, list(refs)
        hashed = payload if kind == CHUNK else b"".join(self.refs) + payload + struct.pack("<I", len(self.refs))
        self.id = forged_id or blake3.keyed(KIND_KEYS[kind], hashed)


def chunk(content, forged_id=None):
    return Object(CHUNK, content, forged_id=forged_id)


def leaf_of_one(name, mode, content_kind, ref=None, shape_type=1, size=None):
    """A tree page with one entry: a file of one chunk (content_kind 2), or a directory (4)."""
    columns = [varint(0) + varint(len(name)), name, b"", varint(size) if size else b"",
               b"\0", b"", b"\0" if ref else b"", b"", b"", b""]
    payload = bytes([0, 0, 1]) + varint(1) + varint(0) + varint(0) + b"\0\0"
    payload += b"".join(varint(len(c)) for c in columns)
    payload += bytes([shape_type | content_kind << 4, 0]) + struct.pack("<H", mode) + struct.pack("<I", 0)
    return Object(TREE, payload + b"".join(columns), [ref] if ref else [])


def directory_with_file(name, content_id, size):
    return leaf_of_one(name, 0o644, 2, content_id, size=size)


def root_page(tree_id):
    return leaf_of_one(b"", 0o755, 4, tree_id, shape_type=2)


def snapshot(root_id):
    payload = bytes([0, 0]) + b"\0" + struct.pack("<I", 0) + b"\0" + b"\0" + b"\0" * 8 + b"\0" + b"\0"
    return Object(SNAPSHOT, payload, [root_id])


def block(*objects):
    metadata = objects[0].kind != CHUNK
    directory = b"".join(o.id for o in objects)
    if metadata:
        directory += bytes(o.kind for o in objects) + b"".join(varint(len(o.refs)) for o in objects)
        directory += b"".join(ref for o in objects for ref in o.refs)
    body = b"".join(varint(len(o.payload)) for o in objects) + b"".join(o.payload for o in objects)
    head = b"rbb0" + struct.pack("<BBHIIII", 0, metadata, 0, len(objects), len(directory), len(body), len(body))
    whole = head + directory + body
    return whole + blake3.digest(whole)


def ids_in(blocks):
    """The ids in the directories of blocks that stand back to back."""
    found, at = [], 0
    while at < len(blocks):
        _, count, directory, body = struct.unpack_from("<BxxIII", blocks, at + 5)
        found += [blocks[at + 24 + 32 * i:at + 56 + 32 * i] for i in range(count)]
        at += 24 + directory + body + 32
    return found


# --- HTTP ------------------------------------------------------------------------------------------------------------

class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


class Connection(http.client.HTTPSConnection):
    """Sends whatever target it is given."""

    def _validate_path(self, url):
        pass


class Client:
    """Requests over TLS with a pinned key, one connection at a time."""

    def __init__(self, address, pin, authorization=None):
        host, port = address.rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.connection = Connection(host.strip("[]"), int(port), context=context, timeout=60)
        self.pin, self.authorization = pin, authorization

    @classmethod
    def of(cls, configuration):
        """With what `rbbackup join` wrote: server.json in the configuration directory."""
        joined = json.loads((configuration / "rbbackup/server.json").read_text())
        credential = joined["credential"]
        return cls(joined["address"], bytes.fromhex(joined["pins"][0]), f"Bearer {credential['id']}{credential['secret']}")

    def request(self, method, target, body=b"", headers=None):
        fields = {"Authorization": self.authorization} if self.authorization else {}
        fields.update(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        # A server that refuses a body may close the connection after its answer.
        for attempt in (1, 2):
            try:
                self.connection.request(method, target, body or None, fields)
                return Answer(self.connection.getresponse())
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLError):
                self.connection.close()
                if attempt == 2:
                    raise

    def join(self, link, credential):
        invitation = (link.invitation_id + link.secret).hex()
        return self.request("POST", "/v1/join", {"invitation": invitation, "credential": credential.hex()})

    def begin(self, purpose="write", run=None, **fields):
        """Gives the session, or the refusal."""
        run = run or os.urandom(16).hex()
        answer = self.request("POST", "/v1/nodes/self/sessions", {"run": run, "purpose": purpose, **fields})
        return Session(self, run, answer.json) if answer.status == 201 else answer


class Session:
    def __init__(self, client, run, begun):
        self.client, self.run, self.begun = client, run, begun
        self.key, self.next = begun["session"], 0

    def request(self, method, what, body=b"", headers=None):
        return self.client.request(method, f"/v1/sessions/{self.key}/{what}".rstrip("/"), body, headers)

    def ask(self, *ids):
        """Gives the answers, or the refusal."""
        answer = self.request("POST", "ask", b"".join(ids))
        if answer.status != 200:
            return answer
        return [answer.body[i // 4] >> 2 * (i % 4) & 3 for i in range(len(ids))]

    def send_data(self, *blocks):
        return self.request("POST", "blocks", b"".join(blocks), {"Rb-Stream": "data"})

    def send_metadata(self, *blocks, seq=None):
        answer = self.request("POST", "blocks", b"".join(blocks),
                              {"Rb-Stream": f"meta; seq={self.next if seq is None else seq}"})
        if answer.status == 200 and seq is None:
            self.next = answer.json["next"]
        return answer

    def read(self, *ids):
        return self.request("POST", "objects", b"".join(ids))

    def commit(self, snapshot_id, run=None, headers=None):
        head = self.begun["head"]
        condition = {"If-Match": f'"{head["id"]}"'} if head else {"If-None-Match": "*"}
        return self.client.request("PUT", "/v1/nodes/self/head",
                                   {"run": run or self.run, "snapshot": snapshot_id.hex()},
                                   {"Rb-Session": self.key, **condition, **(headers or {})})


def pin_of(certificate_pem):
    """SHA-256 of the SubjectPublicKeyInfo of a certificate, by the openssl program."""
    import subprocess
    key = subprocess.run(["openssl", "x509", "-in", certificate_pem, "-pubkey", "-noout"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.stdout, capture_output=True,
                         check=True)
    return hashlib.sha256(der.stdout).digest()
