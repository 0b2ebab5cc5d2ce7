#!/usr/bin/env python3
"""Rounds of a mixed load, in each of which client or server is killed with -9 at a random moment.

In a round several of these run at the same time: backups of several nodes, restores of acknowledged snapshots, pruning by
a policy that lets go of snapshots, garbage collection, check, pins. Then somebody is killed, the server is started again
if it was the victim, and what still runs has to come to a good end. A snapshot that a client was told of has to be there
until the policy lets go of it, and to restore to exactly what was backed up, judged by hashes taken before the backup;
now and then, and at the end, every one is restored, and "check --data" has to find nothing.

Prints the seed; the same seed gives the same trees and the same intended moments (the machine's timing is its own).

    soak.py BIN ROUNDS [SEED]
"""
import collections
import pathlib
import random
import shutil
import sys
import tempfile
import time

from fleet import Fleet, Node, wait_for
from ledger import Ledger

KEEP_LAST = 6
# Nothing but the newest six stays, and what goes is gone with the next collection.
SETTINGS = f"""[retention]
keep_last = {KEEP_LAST}
floor = "0h"
undelete_for = "0h"
prune_every = "0"
"""
NODES = ["host", "ana", "ben", "cleo"]
FILES_MOST = 40
VERIFY_EVERY = 250  # rounds
PINS_MOST = 3
LASTING_SECONDS = 2
LASTING_MOST = 1  # nodes


class Soak:
    def __init__(self, programs, rounds, seed):
        self.rounds, self.seed, self.chance = rounds, seed, random.Random(seed)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="rbbackup-soak."))
        self.fleet = Fleet(programs, self.scratch, SETTINGS)
        self.nodes = [Node(self.fleet, name, self.chance) for name in NODES]
        self.ledgers = {node: Ledger(node, KEEP_LAST) for node in self.nodes}
        self.kills = collections.Counter()  # by victim and by what ran
        self.done = collections.Counter()
        self.lasting = []  # activities that may go on beyond their round
        self.typical = 0.4  # seconds that a round takes when nobody is killed; learned

    def fail(self, why):
        self.fleet.kill_server()
        sys.exit(f"{why}\nseed {self.seed}; everything is kept in {self.scratch}")

    # One round: what begins in it.

    def start_load(self):
        idle = [node for node in self.nodes if node not in self.busy()]
        load = []
        for node in self.chance.sample(idle, min(len(idle), self.chance.choice([1, 2, 2, 3]))):
            node.churn(FILES_MOST)
            load.append(node.back_up())
        backed_up = [activity.node for activity in load]
        for node in idle:
            if node not in backed_up and self.ledgers[node].acknowledged and self.chance.random() < 0.4:
                load.append(self.start_reader(node))
        if self.chance.random() < 0.35:
            load.append(self.fleet.start_verb("prune", "prune", "--json"))
        if self.chance.random() < 0.45:
            load.append(self.fleet.start_verb("gc", "gc", "--json"))
        elif self.chance.random() < 0.1:
            load.append(self.fleet.start_verb("check", "check", "--json"))
        return load

    def start_reader(self, node):
        """A restore, or a pin that is set or taken back."""
        ledger = self.ledgers[node]
        known = list(ledger.acknowledged)
        if self.chance.random() < 0.75:
            snapshot = self.chance.choice(known[-2 * KEEP_LAST:])
            return node.restore(snapshot, ledger.acknowledged[snapshot])
        if len(ledger.pinned) >= PINS_MOST:
            snapshot = self.chance.choice(sorted(ledger.pinned))
            ledger.pinned.remove(snapshot)  # whatever comes of it
            return node.start("unpin", "unpin", snapshot, snapshot=snapshot)
        return node.start("pin", "pin", known[-1], snapshot=known[-1])

    def busy(self):
        return {activity.node for activity in self.lasting}

    def strike(self, load):
        """Kills somebody at a random moment, or nobody when all have ended by then."""
        victim = self.chance.choice(["server", "server", "client"])
        began = time.monotonic()
        wait_for(load, self.chance.random() * self.typical * 1.1)
        running = [activity for activity in load if activity.running]
        if not running:
            self.typical = 0.8 * self.typical + 0.2 * (time.monotonic() - began)
            return
        self.typical *= 1.02  # it would have taken longer than this; how long, nobody will know
        self.kills[victim] += 1
        if victim == "client":
            killed = self.chance.choice(running)
            killed.kill()
            self.kills["client", killed.kind] += 1
            return
        for activity in running:
            self.kills["server", activity.kind] += 1
        for activity in load + self.lasting:
            activity.server_died = True
        self.fleet.kill_server()
        # One that found no server works on the repository itself, and keeps a server from starting meanwhile.
        for activity in load:
            if activity.node is None:
                activity.finish()
        self.fleet.start_server()

    def run_round(self, number):
        load = self.start_load()
        self.strike(load)
        for activity in load:
            if activity.node is None:
                activity.finish()
        # What a dead client was about to send is kept for it for a while, so its next run may last longer than a
        # round; the others need not wait for it.
        wait_for(load, LASTING_SECONDS)
        self.lasting += load
        self.reap(number)
        # With a server that dies all the time nobody would ever get done.
        while len(self.busy()) > LASTING_MOST:
            time.sleep(0.01)
            self.reap(number)

    def reap(self, number, patiently=False):
        """Judges what has ended, or all when it waits for them. After a failure by a kill the next backup succeeds."""
        while ended := [activity for activity in self.lasting if patiently or not activity.running]:
            self.lasting = [activity for activity in self.lasting if activity not in ended]
            for activity in ended:
                activity.finish()
                self.judge(number, activity)
                if activity.kind == "backup" and activity.status != 0:
                    self.lasting.append(activity.node.back_up())

    # What may come of an activity.

    def judge(self, number, activity):
        self.done[activity.kind] += activity.status == 0
        if activity.kind == "backup":
            self.judge_backup(number, activity)
        elif activity.kind == "restore":
            self.judge_restore(number, activity)
        elif activity.kind == "pin" and activity.status == 0:
            self.ledgers[activity.node].pinned.add(activity.facts["snapshot"])
        elif activity.kind == "check" and activity.status == 3:
            self.fail(f"round {number}: check found damage: {activity.out!r}")
        elif activity.status != 0 and not activity.killed and not activity.server_died:
            # One whose command was killed goes on in the server, and so does one that a new server took up again.
            if activity.kind not in ("gc", "check") or b"is running already" not in activity.err:
                self.fail(f"round {number}: {activity}")

    def judge_backup(self, number, activity):
        for line in activity.lines:
            if line.get("type") == "summary":
                self.ledgers[activity.node].acknowledge(line["snapshot"], activity.facts["expected"])
        # A client that found nobody at its first contact says so at once; one that had a server waits for it.
        never_met = activity.status == 4 and activity.server_died
        if activity.status != 0 and not activity.killed and not never_met:
            self.fail(f"round {number}: {activity}")

    def judge_restore(self, number, activity):
        if activity.status == 0:
            if not activity.node.check_restored(activity):
                self.fail(f"round {number}: a wrong restore of {activity.facts['snapshot']}")
            return
        shutil.rmtree(activity.facts["target"], ignore_errors=True)
        if activity.killed or activity.server_died:
            return
        if activity.facts["snapshot"] in activity.node.listed():
            self.fail(f"round {number}: {activity}")

    # Everything.

    def verify(self, number):
        restored = 0
        for node, ledger in self.ledgers.items():
            there = ledger.verify()
            for snapshot in there:
                restore = node.restore(snapshot, ledger.acknowledged[snapshot])
                if restore.finish() != 0 or not node.check_restored(restore):
                    self.fail(f"round {number}: {restore}")
                restored += 1
            ledger.forget(there)
        self.fleet.check("--data")
        return restored

    def run(self):
        began = time.monotonic()
        print(f"soak: {self.rounds} rounds, seed {self.seed}", flush=True)
        compared = 0
        for number in range(1, self.rounds + 1):
            self.run_round(number)
            if number % VERIFY_EVERY and number != self.rounds:
                if number % 50 == 0:
                    self.tell(number, began, compared)
                continue
            self.reap(number, patiently=True)
            if number == self.rounds:
                self.fleet.stop_server()
                self.fleet.start_server()
            compared += self.verify(number)
            self.tell(number, began, compared)
        self.fleet.stop_server()
        self.report(compared, time.monotonic() - began)
        shutil.rmtree(self.scratch)

    def tell(self, number, began, compared):
        print(f"soak: round {number}, {time.monotonic() - began:.0f} s, killed: {self.kills['server']} servers, "
              f"{self.kills['client']} clients; backups {self.done['backup']}, restores {self.done['restore']}; "
              f"{compared} snapshots compared", flush=True)

    def report(self, compared, seconds):
        for victim in ("server", "client"):
            what = ", ".join(f"{kind} {count}" for (who, kind), count in
                             sorted((k, c) for k, c in self.kills.items() if isinstance(k, tuple)) if who == victim)
            print(f"soak: kills of the {victim}: {self.kills[victim]}; what it cut: {what}")
        print("soak: succeeded: " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.done.items())))
        print(f"soak: {self.rounds} rounds in {seconds:.0f} s, seed {self.seed}: nothing lost; {compared} times a "
              "snapshot restored and compared, and check --data found nothing")


def main():
    programs, rounds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    Soak(programs, rounds, seed).run()


main()
