"""What the server has acknowledged, and what it therefore has to have."""


class Ledger:
    """Of one node. `keep_last` is the only rule of the policy, so what it may let go of is what has so many newer ones."""

    def __init__(self, node, keep_last):
        self.node, self.keep_last = node, keep_last
        self.acknowledged = {}  # snapshot to fingerprint, oldest first
        self.pinned = set()  # surely

    def acknowledge(self, snapshot, fingerprint):
        self.acknowledged[snapshot] = fingerprint

    def verify(self):
        """Gives the acknowledged ones that are there; ends the program when one is missing that should be."""
        listed = self.node.listed()
        place = {snapshot: number for number, snapshot in enumerate(listed)}
        order = list(self.acknowledged)
        for snapshot in order:
            if snapshot in place:
                continue
            if snapshot in self.pinned:
                raise SystemExit(f"{self.node.name}: the pinned snapshot {snapshot} is gone")
            newer = self.newer_than(snapshot, order, place)
            if newer < self.keep_last:
                raise SystemExit(f"{self.node.name}: snapshot {snapshot} is gone, with {newer} newer ones: {listed}")
        return [snapshot for snapshot in listed if snapshot in self.acknowledged]

    @staticmethod
    def newer_than(snapshot, order, place):
        """At most so many of what is listed are newer: those above the newest listed one that is older than it."""
        for older in reversed(order[:order.index(snapshot)]):
            if older in place:
                return place[older]
        return len(place)

    def forget(self, there):
        """What the policy has let go of need not be looked at again."""
        self.acknowledged = {s: f for s, f in self.acknowledged.items() if s in set(there)}
