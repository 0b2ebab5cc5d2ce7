"""What the benchmark asks for: ratios of medians that should not be passed, and figures that should not."""

# operation -> what it is compared with -> corpus -> the ratio
RATIOS = {
    "first": {"limit": {"source": 0.85, "tiny": 0.75, "image": 0.5},
              "rsync": {"source": 0.6, "tiny": 0.22, "image": 1.0, "random": 1.0},
              "restic": {"source": 0.25, "tiny": 0.15, "image": 0.2, "random": 0.23},
              "borg": {"source": 0.15, "tiny": 0.04, "image": 0.25, "random": 0.23},
              "write": {"random": 1.15}},
    "unchanged": {"limit": {"source": 0.65, "tiny": 0.6},
                  "rsync": {"source": 0.2, "tiny": 0.25},
                  "restic": {"source": 0.055, "tiny": 0.06},
                  "borg": {"source": 0.022, "tiny": 0.02}},
    "cold": {"limit": {"source": 1.1, "tiny": 1.1}},
    "checksum": {"limit": {"source": 1.15, "tiny": 1.3, "image": 1.15, "random": 1.15}},
    "overwritten": {"limit": {"image": 1.2}},
    "restore": {"limit": {"source": 1.2, "tiny": 1.0, "image": 0.5, "random": 1.0},
                "rsync": {"source": 0.8, "tiny": 0.45, "image": 0.8, "random": 1.0},
                "restic": {"source": 0.3, "tiny": 0.17, "image": 0.3, "random": 0.4},
                "borg": {"source": 0.16, "tiny": 0.09, "image": 0.25, "random": 0.2}},
}
# Repository size after the first backup, against the same systems.
SIZES = {"limit": {"source": 0.95, "tiny": 0.95, "image": 0.9, "random": 1.0},
         "restic": {"source": 0.8, "tiny": 0.75, "image": 0.95, "random": 1.0}}
UNCHANGED_SECONDS = {"image": 0.015, "random": 0.015}
CHANGED_AGAINST_UNCHANGED = {"source": 1.5, "tiny": 1.5}
TLS_AGAINST_SOCKET = 1.15
SENT_AGAINST_OVERWRITTEN = 3.0
SENT_INSERTED = 3 << 20
SENT_ONE_OF_A_MILLION = 64 << 10
PEAK_MIB = 256

LIMIT_NAMES = {
    "first": "`tar c \\| zstd -1 -T2`",
    "unchanged": "`find -printf`",
    "cold": "`find -printf`, cold",
    "checksum": "`b3sum`, two processes",
    "overwritten": "reading the image once",
    "restore": "`tar x`",
    "write": "one sequential write, fdatasync",
}
OPERATION_NAMES = {
    "first": "First backup",
    "unchanged": "Nothing changed",
    "cold": "Nothing changed, cold caches",
    "checksum": "Nothing changed, every byte read (`--checksum`)",
    "changed": "1% of the files changed",
    "overwritten": "1% of the blocks overwritten, in 1,200 runs",
    "inserted": "1 MiB inserted at a third",
    "one": "One file changed",
    "restore": "Restore",
}
