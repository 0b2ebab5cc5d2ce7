"""BLAKE3 as its paper defines it, plain, keyed and for deriving keys; for tests, which hash little."""
import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = (1 << i for i in range(7))
MASK = 0xFFFFFFFF


def _mix(v, a, b, c, d, x, y):
    v[a] = (v[a] + v[b] + x) & MASK
    t = v[d] ^ v[a]
    v[d] = (t >> 16 | t << 16) & MASK
    v[c] = (v[c] + v[d]) & MASK
    t = v[b] ^ v[c]
    v[b] = (t >> 12 | t << 20) & MASK
    v[a] = (v[a] + v[b] + y) & MASK
    t = v[d] ^ v[a]
    v[d] = (t >> 8 | t << 24) & MASK
    v[c] = (v[c] + v[d]) & MASK
    t = v[b] ^ v[c]
    v[b] = (t >> 7 | t << 25) & MASK


def _compress(chaining, block, counter, length, flags):
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    words = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    for _ in range(7):
        for i in range(4):
            _mix(v, i, 4 + i, 8 + i, 12 + i, words[2 * i], words[2 * i + 1])
        for i in range(4):
            _mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, words[8 + 2 * i], words[9 + 2 * i])
        words = [words[p] for p in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def _chunk(key, data, index, flags, root):
    chaining = key
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
    for i, block in enumerate(blocks):
        f = flags | (CHUNK_START if i == 0 else 0)
        if i == len(blocks) - 1:
            f |= CHUNK_END | root
        chaining = _compress(chaining, block, index, len(block), f)
    return chaining


def _tree(key, data, index, flags, root):
    if len(data) <= 1024:
        return _chunk(key, data, index, flags, root)
    left = 1024
    while left * 2 < len(data):
        left *= 2
    pair = _tree(key, data[:left], index, flags, 0) + _tree(key, data[left:], index + left // 1024, flags, 0)
    return _compress(key, struct.pack("<16I", *pair), 0, 64, flags | PARENT | root)


def _hash(key, data, flags):
    return struct.pack("<8I", *_tree(key, data, 0, flags, ROOT))


def digest(data):
    return _hash(IV, data, 0)


def keyed(key, data):
    return _hash(struct.unpack("<8I", key), data, KEYED)


def derive_key(context, material=b""):
    return _hash(struct.unpack("<8I", _hash(IV, context.encode(), CONTEXT)), material, MATERIAL)


# The test vectors of the official repository, for 0, 1 and 1025 bytes.
assert digest(b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
assert digest(b"\0").hex() == "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"
assert digest(bytes(i % 251 for i in range(1025))).hex() == \
    "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"
