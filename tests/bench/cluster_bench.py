#!/usr/bin/env python3
"""What does a cluster cost? A master and worker nodes of this machine, joined over the local transport
and over TLS, with folders of their own in tmpfs.

One call is one round. Prints one JSON line for each figure; tests/bench/run calls it and describes the
line and MAZE_BENCH_SIZE. A figure over TLS has the local transport as its peer.

- How long `maze-node start --role worker --detach` takes until the node is part of the cluster, beside
  `maze-node version`: what starting the program costs.
- What `submit --wait` of one /bin/true takes beside running it by hand, and what of that passes between
  the start of the run and its end.
- Time for each of many /bin/true on two nodes.
- One large file, and many small ones, from the master's store to the view of a task on a node that has
  nothing: the pull phase as the node tells it.
"""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("MAZE_BIN_DIR", "build/release/bin")).resolve()
SIZES = {"quick": (3, 200, 64, 500), "normal": (10, 2_000, 512, 10_000), "full": (30, 20_000, 2048, 10_000)}
LONE, TASKS, FILE_MIB, FILES = SIZES[os.environ.get("MAZE_BENCH_SIZE", "normal")]


class Cluster:
    """A master without tasks of its own; `transport` is how workers reach it."""

    def __init__(self, room, transport):
        self.folder = room / transport
        self.folder.mkdir(mode=0o711)
        self.transport = transport
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith("MAZE_")}
        self.environment |= {"XDG_RUNTIME_DIR": str(self.folder / "run"), "HOME": str(self.folder),
                             "MAZE_TASK_USER": "same"}
        (self.folder / "run").mkdir(mode=0o700)
        listen = ["--listen", "tcp:127.0.0.1:0"] if transport == "TLS" else []
        self.node("start", "--detach", "--name", "bench", "--role", "master", "--dir", self.folder / "master", *listen)

    def node(self, *words):
        """Its output and how long it took, in seconds."""
        began = time.monotonic()
        done = subprocess.run([BIN / "maze-node", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              cwd=self.folder, env=self.environment, check=False)
        if done.returncode:
            raise SystemExit(f"cluster_bench: maze-node {words[0]} ended with {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout, time.monotonic() - began

    def join(self, name):
        """Starts a worker node with one core; the seconds until it is part of the cluster."""
        joins = []
        if self.transport == "TLS":
            self.node("join-file", name, "--file", f"{name}.join")
            joins = ["--join", f"{name}.join"]
        return self.node("start", "--detach", "--role", "worker", "--name", name, "--cpus", "1", "--dir",
                         self.folder / name, *joins)[1]

    def submit(self, tasks, **more):
        """The run's report and how long the command took."""
        workflow = {"maze": 1, "name": "bench", "defaults": {"sandbox": "subprocess", "output": {"run": "dict"}},
                    "tasks": tasks, **more}
        (self.folder / "bench.json").write_text(json.dumps(workflow))
        text, took = self.node("submit", "bench.json", "--wait", "--output", "json")
        return json.loads(text), took

    def lone(self):
        """Milliseconds of `submit --wait`, and from the start of the run to its end."""
        whole, inside = [], []
        for _ in range(LONE):
            report, took = self.submit({"a": {"command": ["/bin/true"]}})
            whole.append(took * 1e3)
            inside.append(report["timing"]["elapsed_s"] * 1e3)
        return statistics.median(whole), statistics.median(inside)

    def many(self):
        report, _ = self.submit({f"t{i}": {"command": ["/bin/true"]} for i in range(TASKS)})
        return report["timing"]["elapsed_s"] / TASKS * 1e6

    def pull(self, files):
        """Seconds until the files lie in the view of a task, by the node's clock."""
        self.submit({"a": {"command": ["/bin/true"]}}, files=[files])
        rows = json.loads(self.node("tasks", "last", "--output", "json")[0])["tasks"]
        pull = next(one for one in rows[0]["phases"] if one["phase"] == "pull")
        return pull["ended_s"] - pull["began_s"]

    def stop(self):
        self.node("stop")


def figure(name, value, unit, peers, better="lower"):
    print(json.dumps({"name": f"cluster/{name}", "value": value, "unit": unit, "better": better,
                      "peers": {peer: {"value": of_peer} for peer, of_peer in peers.items()}}), flush=True)


def by_hand():
    """Milliseconds to run /bin/true with both streams captured."""
    took = []
    for _ in range(LONE):
        began = time.monotonic()
        subprocess.run(["/bin/true"], capture_output=True, check=True)
        took.append((time.monotonic() - began) * 1e3)
    return statistics.median(took)


def measure(room, transport):
    with contextlib.ExitStack() as stack:
        cluster = Cluster(room, transport)
        stack.callback(cluster.stop)
        out = {"start": statistics.median(cluster.node("version")[1] for _ in range(LONE)) * 1e3,
               "join": statistics.median([cluster.join("w1"), cluster.join("w2")]) * 1e3}
        out["lone"], out["inside"] = cluster.lone()
        out["many"] = cluster.many()
        (cluster.folder / "large").write_bytes(os.urandom(1 << 20) * FILE_MIB)
        out["large"] = FILE_MIB * 1.048576 / cluster.pull("large")
        (cluster.folder / "small").mkdir()
        for i in range(FILES):
            (cluster.folder / "small" / str(i)).write_bytes(os.urandom(4096))
        out["small"] = cluster.pull("small") / FILES * 1e6
    return out


def main():
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="maze-bench-") as name:
        os.chmod(name, 0o711)
        results = {transport: measure(pathlib.Path(name), transport) for transport in ("local", "TLS")}
    hand = by_hand()
    for transport, of in results.items():
        beside = {"local transport": results["local"]} if transport == "TLS" else {}
        peers = lambda key, **more: {**more, **{name: one[key] for name, one in beside.items()}}
        figure(f"a node joins, {transport}", of["join"], "ms", peers("join", **{"maze-node version": of["start"]}))
        figure(f"submit --wait of one command, {transport}", of["lone"], "ms", peers("lone", **{"by hand": hand}))
        figure(f"one command from start to end of its run, {transport}", of["inside"], "ms",
               peers("inside", **{"by hand": hand}))
        figure(f"true x {TASKS} on two nodes, {transport}", of["many"], "us/task", peers("many"))
        figure(f"one file of {FILE_MIB} MiB to a node, {transport}", of["large"], "MB/s", peers("large"), "higher")
        figure(f"{FILES} files of 4 KiB to a node, {transport}", of["small"], "us/file", peers("small"))


if __name__ == "__main__":
    main()
