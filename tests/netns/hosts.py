"""Hosts of their own in network namespaces, on one wire: each has an address, a file system view and a home."""
import os
import pathlib
import re
import subprocess

MASK = 24


class Wire:
    """A bridge that the hosts' cables end at. Everything is gone when it is left."""

    def __init__(self, names_and_addresses):
        self.tag = f"rbnet{os.getpid()}"
        self.addresses = dict(names_and_addresses)
        self.spaces = []

    def __enter__(self):
        try:
            self.bridge = self.add_space("wire")
            run("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge")
            run("ip", "-n", self.bridge, "link", "set", "br0", "up")
            for number, (name, address) in enumerate(self.addresses.items()):
                space = self.add_space(name)
                run("ip", "link", "add", "eth0", "netns", space, "type", "veth", "peer", "name", f"port{number}",
                    "netns", self.bridge)
                run("ip", "-n", self.bridge, "link", "set", f"port{number}", "master", "br0", "up")
                run("ip", "-n", space, "addr", "add", f"{address}/{MASK}", "dev", "eth0")
                run("ip", "-n", space, "link", "set", "eth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)

    def add_space(self, name):
        space = f"{self.tag}-{name}"
        run("ip", "netns", "add", space)
        self.spaces.append(space)
        run("ip", "-n", space, "link", "set", "lo", "up")
        return space

    def space(self, name):
        return f"{self.tag}-{name}"

    def change_address(self, name, new):
        """As a laptop that moves to another network: the new address is there, and the old one is gone."""
        old, space = self.addresses[name], self.space(name)
        # In this order: with the first address of a network the kernel deletes the later ones too.
        run("ip", "-n", space, "addr", "del", f"{old}/{MASK}", "dev", "eth0")
        run("ip", "-n", space, "addr", "add", f"{new}/{MASK}", "dev", "eth0")
        self.addresses[name] = new

    def bytes_received(self, name):
        text = subprocess.check_output(["ip", "netns", "exec", self.space(name), "cat", "/proc/net/dev"], text=True)
        return int(re.search(r"eth0:\s*(\d+)", text).group(1))


def run(*words):
    subprocess.run(words, check=True)


def why_not():
    """The reason why namespaces can't be made here, or nothing."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    probe = f"rbprobe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    veth = subprocess.run(["ip", "link", "add", "eth0", "netns", probe, "type", "veth", "peer", "name", "eth1", "netns", probe],
                          capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return f"no veth devices here: {veth.stderr.strip()}" if veth.returncode != 0 else None


def home_of(scratch, name):
    home = pathlib.Path(scratch) / name
    home.mkdir()
    return home
