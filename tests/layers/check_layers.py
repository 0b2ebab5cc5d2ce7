#!/usr/bin/env python3
"""Compares every #include in src/ with the table of layers: arrows point down only."""
import pathlib
import re
import sys

# What each layer may include of ours. ARCHITECTURE.md has the same table for people.
MAY_USE = {
    "base": [],
    "format": ["base"],
    "chunk": ["base", "format"],
    "tree": ["base", "format"],
    "store": ["base", "format", "chunk"],
    "repository": ["base", "format", "chunk", "store"],
    "check": ["base", "format", "chunk", "tree", "store", "repository"],
    "gc": ["base", "format", "chunk", "store", "repository"],
    "scan": ["base", "format"],
    "backup": ["base", "format", "chunk", "tree", "scan", "store"],
    "restore": ["base", "format", "chunk", "tree", "store"],
    "api": ["base", "format", "store"],
    "net": ["base", "format", "api", "store"],
    "cli": ["base", "format", "tree", "scan", "backup", "restore", "api", "net", "store", "repository"],
    "daemon": ["base", "format", "store", "repository", "check", "gc", "api", "net"],
}
# Libraries that only some layers may know.
ONLY = {
    r"boost/|openssl/": ["net"],
    r"rocksdb/": ["repository"],
    r"nlohmann/": ["api", "cli"],
    r"CLI/": ["cli", "daemon"],
    r"spdlog/|toml\+\+/|systemd/": ["daemon"],
    r"zstd": ["chunk"],
    r"sys/socket|sys/un\.h|netinet/": ["net"],
}


def main(source):
    complaints = []
    for path in sorted(source.glob("*/*.[ch]*")):
        layer = path.parent.name
        if path.stem.endswith("_test"):
            continue  # tests may use the twins of other layers; CMake says which
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            kind, name = match.groups()
            where = f"{path}:{number}: {layer} may not include {name}"
            if kind == '"':
                other = name.split("/")[0]
                if ".." in name or (other != layer and other not in MAY_USE[layer]):
                    complaints.append(where)
            for pattern, allowed in ONLY.items():
                if kind == "<" and re.match(pattern, name) and layer not in allowed:
                    complaints.append(f"{where}: only {', '.join(allowed)} know it")
    print("\n".join(complaints) or "all includes point down")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
