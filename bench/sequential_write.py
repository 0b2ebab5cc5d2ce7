#!/usr/bin/env python3
"""Writes the files of a tree one after the other into one file, and calls fdatasync: what a disk must do at least."""
import os
import pathlib
import sys

tree, target = map(pathlib.Path, sys.argv[1:])
buffer = bytearray(1 << 20)
out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
for path in sorted(tree.rglob("*")):
    if path.is_file() and not path.is_symlink():
        with open(path, "rb", buffering=0) as file:
            while got := file.readinto(buffer):
                os.write(out, memoryview(buffer)[:got])
os.fdatasync(out)
