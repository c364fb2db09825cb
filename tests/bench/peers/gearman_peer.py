#!/usr/bin/env python3
"""gearmand with a client and two workers in C, over TCP on loopback, nothing durable.

    gearman_peer.py BIN SHAPE=N...        SHAPE: independent, lone, memory

BIN holds gearman_client and gearman_worker. Prints one JSON line a shape: "shape", "n", "value", "unit",
"cpu_us_per_task" (server, client and workers), for lone also "p99_us"; or {"missing": reason}.
Memory is what the server grows by for each job that it holds.
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

import processes


def children_us():
    """Microseconds that children of this process used which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e6


def with_server(server, folder, room, shapes):
    # A server of root would otherwise look for a user of its own.
    user = ["--user", "root"] if os.geteuid() == 0 else []
    gearmand, port = processes.start_server(
        lambda port: [server, "--listen", "127.0.0.1", "--port", str(port), "--log-file", f"{room}/log",
                      "--pid-file", f"{room}/pid", *user])
    everyone = [gearmand, *(processes.start([folder / "gearman_worker", str(port)]) for _ in range(2))]

    def client(shape, count):
        """What it prints, and the CPU time of all processes."""
        used = sum(map(processes.cpu_us, everyone)) + children_us()
        done = subprocess.run([folder / "gearman_client", str(port), shape, str(count)], stdout=subprocess.PIPE,
                              text=True, check=True)
        return json.loads(done.stdout), sum(map(processes.cpu_us, everyone)) + children_us() - used

    client("independent", 100)
    for shape, count in shapes:
        if shape == "memory":
            before = processes.memory_bytes(gearmand)
            client("held", count)
            processes.figure(shape, count, (processes.memory_bytes(gearmand) - before) / count, "B/task")
            continue
        took, cpu = client(shape, count)
        if shape == "lone":
            processes.figure(shape, count, took["p50_us"], "us", p99_us=took["p99_us"], cpu_us_per_task=cpu / count)
        else:
            processes.figure(shape, count, took["wall_s"] / count * 1e6, "us/task", cpu_us_per_task=cpu / count)
    processes.stop_all()


def main():
    folder = pathlib.Path(sys.argv[1])
    shapes = [(shape, int(count)) for shape, count in (word.split("=") for word in sys.argv[2:])]
    server = shutil.which("gearmand", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
    if not server:
        print(json.dumps({"missing": "gearmand"}))
        return
    if not (folder / "gearman_client").exists():
        print(json.dumps({"missing": "libgearman-dev, when the benchmarks were built"}))
        return
    with tempfile.TemporaryDirectory(prefix="maze-bench-") as room:
        # A server that has done other work grows by less: it has memory left.
        for part in (lambda shape: shape != "memory", lambda shape: shape == "memory"):
            if chosen := [(shape, count) for shape, count in shapes if part(shape)]:
                with_server(server, folder, room, chosen)


if __name__ == "__main__":
    main()
