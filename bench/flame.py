#!/usr/bin/env python3
"""Where the time of a command goes: samples its stacks with perf, and draws them as a flame graph.

    flame.py SVG TITLE COMMAND...

A box is a function, as wide as the share of samples in which it was on the stack; what it called stands on it. Hovering
over a box shows its whole name and share.
"""
import collections
import html
import pathlib
import re
import subprocess
import sys
import tempfile

WIDTH, ROW, LEAST = 1200, 16, 0.002  # boxes narrower than LEAST of all are left out
FREQUENCY = 499
WORK = "WorkerPool::work"


def stacks_of(command):
    """A count for each stack, a tuple of names from the outermost call inwards."""
    with tempfile.TemporaryDirectory() as scratch:
        data = pathlib.Path(scratch) / "perf.data"
        subprocess.run(["perf", "record", "-q", "-F", str(FREQUENCY), "--call-graph", "dwarf,8192", "-o", data, "--", *command],
                       check=True, stdout=subprocess.DEVNULL)
        script = subprocess.Popen(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso", "--no-inline"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
        counts, frames = collections.Counter(), None
        for line in script.stdout:
            line = line.rstrip()
            if not line:
                if frames:
                    counts[innermost_task(frames[::-1])] += 1
                frames = None
            elif not line.startswith("\t"):
                frames = []
            elif frames is not None:
                frames.append(name_of(line))
        return counts


def innermost_task(stack):
    """A worker that waits for a directory works on others meanwhile, on the same stack: only the last is of interest."""
    works = [i for i, name in enumerate(stack) if name == WORK]
    if works:
        return tuple(stack[works[-1]:])
    return tuple(name for name in stack if name != "[[unknown]]") or ("[[unknown]]",)


def name_of(line):
    """Of "\tADDRESS SYMBOL (LIBRARY)"; a function without a name is its library's."""
    symbol, library = re.match(r"\s*[0-9a-f]+ (.*) \(([^)]*)\)$", line).groups()
    if symbol == "[unknown]":
        return f"[{pathlib.Path(library).name.split('.so')[0]}]"
    symbol = re.sub(r"\(anonymous namespace\)::|\[clone [^]]*\]", "", symbol)
    while (shorter := re.sub(r"<[^<>]*>", "", symbol)) != symbol:
        symbol = shorter
    return re.sub(r"\(.*", "", symbol).replace("rb::", "") or library


class Box:
    def __init__(self):
        self.count, self.children = 0, collections.defaultdict(Box)

    def add(self, stack, count):
        self.count += count
        box = self
        previous = None
        for name in stack:
            if name == previous and name.startswith("["):
                continue  # nameless functions of one library
            box = box.children[name]
            box.count += count
            previous = name

    def depth(self, total):
        wide = [child.depth(total) for child in self.children.values() if child.count >= LEAST * total]
        return 1 + max(wide, default=0)


def colour(name):
    if name.startswith("["):
        return "#c9c9c9"
    spread = sum(name.encode()) % 60
    return f"rgb(250,{150 + spread},{90 + spread // 2})"


def draw(box, name, left, level, height, total, out):
    width = WIDTH * box.count / total
    top = height - (level + 1) * ROW
    label = html.escape(f"{name} ({100 * box.count / total:.1f}%)")
    shown = html.escape(name[:int(width / 7)]) if width > 20 else ""
    out.append(f'<g><title>{label}</title><rect x="{left:.1f}" y="{top}" width="{max(width - 0.5, 0.3):.1f}" height="{ROW - 1}" '
               f'fill="{colour(name)}"/><text x="{left + 2:.1f}" y="{top + 11}">{shown}</text></g>')
    for child_name, child in sorted(box.children.items()):
        if child.count >= LEAST * total:
            draw(child, child_name, left, level + 1, height, total, out)
        left += WIDTH * child.count / total


def main(svg, title, command):
    root = Box()
    for stack, count in stacks_of(command).items():
        root.add(stack, count)
    height = (root.depth(root.count) + 2) * ROW
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="4" y="13">{html.escape(title)}: {root.count} samples of {1000 / FREQUENCY:.0f} ms</text>']
    draw(root, "all", 0, 0, height, root.count, out)
    pathlib.Path(svg).write_text("\n".join(out + ["</svg>", ""]))


main(sys.argv[1], sys.argv[2], sys.argv[3:])
