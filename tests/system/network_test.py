#!/usr/bin/env python3
"""A master and two worker nodes on three machines, as far as they can tell: each in a network namespace
with an address of its own, a folder of its own, and nothing in common but a bridge that carries TLS.

Links are cut and healed while a run goes on. Needs the right to make network namespaces.
"""
import collections
import contextlib
import gzip
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

NODE = pathlib.Path(os.environ["MAZE_BIN_DIR"]).resolve() / "maze-node"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "tools" / "examples"
CHAINS, LENGTH = 5, 12
CUTS = int(os.environ.get("MAZE_CUT_POINTS", "6"))


def quiet(*words, check=True):
    return subprocess.run([str(w) for w in words], check=check, capture_output=True, text=True)


def why_not():
    """Why this machine cannot run the tests; nothing where it can."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"mz{os.getpid()}x"
    made = quiet("ip", "netns", "add", name, check=False)
    if made.returncode:
        return "ip netns add: " + made.stderr.strip()
    try:
        probe = quiet("ip", "-n", name, "link", "add", "mzb", "type", "bridge", check=False)
        return "ip link add type bridge: " + probe.stderr.strip() if probe.returncode else None
    finally:
        quiet("ip", "netns", "del", name, check=False)


def ends_within(pid, seconds):
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


class Machines(unittest.TestCase):
    """`hub` carries the bridge and the master; `a` and `b` are the workers' machines."""

    def setUp(self):
        room = tempfile.TemporaryDirectory(prefix="maze-network-")
        self.addCleanup(room.cleanup)
        self.room = pathlib.Path(room.name)
        self.names = {m: f"mz{os.getpid()}{m}" for m in ("hub", "a", "b")}
        for name in self.names.values():
            quiet("ip", "netns", "add", name)
            self.addCleanup(quiet, "ip", "netns", "del", name, check=False)
            quiet("ip", "-n", name, "link", "set", "lo", "up")
        hub = self.names["hub"]
        quiet("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        quiet("ip", "-n", hub, "addr", "add", "10.77.0.1/24", "dev", "bridge")
        quiet("ip", "-n", hub, "link", "set", "bridge", "up")
        for number, machine in enumerate(("a", "b"), start=2):
            name = self.names[machine]
            quiet("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name",
                  f"to-{machine}", "netns", hub)
            quiet("ip", "-n", hub, "link", "set", f"to-{machine}", "master", "bridge")
            quiet("ip", "-n", hub, "link", "set", f"to-{machine}", "up")
            quiet("ip", "-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            quiet("ip", "-n", name, "link", "set", "eth0", "up")
        self.write_workflow()
        self.start_cluster()

    def command(self, machine, *words):
        return ["ip", "netns", "exec", self.names[machine], str(NODE), *[str(w) for w in words]]

    def settings(self, machine):
        home = self.room / machine
        home.mkdir(exist_ok=True)
        return dict(cwd=home, env={"PATH": os.environ["PATH"], "HOME": str(home),
                                   "XDG_RUNTIME_DIR": str(home), "MAZE_TASK_USER": "same",
                                   "MAZE_DIR": str(home / "state"), "MAZE_LEASE": "2s"})

    def node(self, machine, *words):
        ended = subprocess.run(self.command(machine, *words), capture_output=True, text=True,
                               timeout=120, **self.settings(machine))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def start_cluster(self):
        self.node("hub", "start", "--detach", "--name", "lab", "--role", "master", "--listen",
                  "tcp:10.77.0.1:0")
        self.addCleanup(self.stop)
        for number, machine in enumerate(("a", "b"), start=2):
            self.node("hub", "join-file", machine, "--file", f"{machine}.join")
            self.settings(machine)
            shutil.copy2(self.room / "hub" / f"{machine}.join", self.room / machine)
            self.node(machine, "start", "--detach", "--role", "worker", "--join",
                      f"{machine}.join", "--listen", f"tcp:10.77.0.{number}:0")

    def stop(self):
        self.heal("a")
        self.heal("b")
        subprocess.run(self.command("hub", "stop"), capture_output=True, timeout=60,
                       **self.settings("hub"))
        for machine in ("hub", "a", "b"):
            told = quiet("ip", "netns", "pids", self.names[machine], check=False).stdout
            pids = [int(pid) for pid in told.split()]
            if machine != "hub" and not all(ends_within(pid, 2) for pid in pids):
                # Out of reach when the cluster ended, so nobody could tell it. All of them: which is the node is not
                # told by the order of numbers, and what it started ends with it alone.
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
            for pid in pids:
                self.assertTrue(ends_within(pid, 20), f"process {pid} is left on {machine}")

    def write_workflow(self):
        home = self.settings("hub")["cwd"]
        (home / "data").mkdir()
        for i in range(10):
            (home / "data" / str(i)).write_text(f"input {i}\n")
        lines = ["maze: 1", "name: chains", "files: [data]",
                 "defaults: { output: { run: dict }, cpus: 0.5 }", "tasks:"]
        for chain in range(CHAINS):
            for i in range(LENGTH):
                before = f"c{chain}-{i - 1}" if i else None
                source = f"{before}.txt" if i else "data/0"
                after = f"after: [{before}], " if i else ""
                lines.append(
                    f"  c{chain}-{i}: {{ {after}shell: \"cat {source} data/{i % 10} | sha256sum >"
                    f" c{chain}-{i}.txt; head -c 300000 /dev/zero | tr '\\\\0' {i % 10} >"
                    f" c{chain}-{i}.bin; sleep 0.05\" }}")
        (home / "chains.yaml").write_text("\n".join(lines) + "\n")

    def heal(self, machine):
        quiet("ip", "-n", self.names["hub"], "link", "set", f"to-{machine}", "up", check=False)

    def cut(self, machine):
        quiet("ip", "-n", self.names["hub"], "link", "set", f"to-{machine}", "down")

    def result(self, folder):
        return {str(p.relative_to(folder)): p.read_bytes()
                for p in sorted(folder.rglob("*")) if p.is_file()}

    def reference(self):
        self.node("hub", "run", "chains.yaml", "--out", "alone", "--dir", self.room / "hub" / "one")
        return self.result(self.room / "hub" / "alone")

    def test_three_machines_give_the_result_of_one(self):
        self.node("hub", "submit", "chains.yaml", "--wait", "--out", "home")
        found = self.result(self.room / "hub" / "home")
        self.assertEqual(found, self.reference())
        self.assertEqual(len(found), 2 * CHAINS * LENGTH)

    def test_links_that_are_cut_and_healed_change_nothing(self):
        expected = self.reference()
        chance = random.Random(11)
        cuts, runs = 0, 0
        while cuts < CUTS:
            runs += 1
            made = self.run_through_cuts(chance, cuts, f"home{runs}")
            self.assertEqual(self.result(self.room / "hub" / f"home{runs}"), expected)
            self.assertGreater(made, 0)
            cuts += made

    def run_through_cuts(self, chance, first, out_folder):
        """Submits the chains and cuts links while they run; how many."""
        cuts = first
        with subprocess.Popen(self.command("hub", "submit", "chains.yaml", "--wait", "--out",
                                           out_folder, "--output", "json"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              **self.settings("hub")) as run:
            # One shorter than the lease, one longer, and so on.
            while cuts < CUTS and not ends_within(run.pid, chance.uniform(0.1, 0.6)):
                machine = chance.choice("ab")
                self.cut(machine)
                ends_within(run.pid, 0.5 if cuts % 2 == 0 else 2.5)
                self.heal(machine)
                cuts += 1
            out, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 0, err)
        self.assertEqual(json.loads(out)["state"], "completed")
        return cuts - first

    def test_the_words_of_many_files_are_counted_by_two_machines(self):
        corpus = self.room / "hub" / "corpus"
        corpus.mkdir()
        words = collections.Counter()
        chance = random.Random(5)
        for i in range(300):
            text = " ".join(chance.choice(["maze", "Node", "task", "wall-clock", "x1y"])
                            for _ in range(chance.randrange(2000))) + "\n"
            words.update(re.findall("[a-z]+", text.lower()))
            (corpus / f"{i}.gz").write_bytes(gzip.compress(text.encode()))
        workflow = (EXAMPLES / "word-count.yaml").read_text()
        self.assertIn("from: /usr/share/doc", workflow)
        (self.room / "hub" / "words.yaml").write_text(
            workflow.replace("from: /usr/share/doc", f"from: {corpus}"))
        self.node("hub", "submit", "words.yaml", "--wait", "--out", "words")
        table = quiet("zstd", "-dqc", self.room / "hub" / "words" / "words.tsv.zst").stdout
        found = {word: int(count) for count, word in
                 (line.split("\t") for line in table.splitlines())}
        self.assertEqual(found, dict(words))
        nodes = json.loads(self.node("hub", "tasks", "last", "--output", "json"))["tasks"]
        self.assertEqual({task["node"] for task in nodes}, {"a", "b"})
        for task in nodes:
            self.assertEqual([one["phase"] for one in task["phases"]],
                             ["pull", "resolve", "execute", "push"])
            times = [at for one in task["phases"] for at in (one["began_s"], one["ended_s"])]
            self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    missing = why_not()
    if missing:
        print("SKIPPED: " + missing)
        sys.exit(0)
    unittest.main(verbosity=2)
