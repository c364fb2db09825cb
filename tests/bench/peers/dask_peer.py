#!/usr/bin/python3
"""dask.distributed with one scheduler process and two worker processes of one thread, over TCP on loopback.

    dask_peer.py SHAPE=N...        SHAPE: independent, lone, chain, layered, memory

Prints one JSON line a shape: "shape", "n", "value", "unit", "cpu_us_per_task" (scheduler, workers and
client), for lone also "p99_us"; or {"missing": reason}. Functions are Python ones in all shapes. Chain and
layered go to the scheduler as one graph. Memory is what the scheduler grows by for each task that no
worker may take. Debian's interpreter runs it, whatever else is first in PATH: the packages belong to it.
"""
import json
import logging
import math
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
os.environ |= {"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1", "DASK_LOGGING__DISTRIBUTED": "error",
               "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}

try:
    import distributed
except ImportError:
    print(json.dumps({"missing": "python3-distributed"}))
    sys.exit(0)

import functions
import processes


def chain(client, count):
    graph = {("c", i): (functions.following, ("c", i - 1) if i else -1) for i in range(count)}
    assert client.get(graph, ("c", count - 1)) == count - 1


def layered(client, count):
    width = math.isqrt(count)
    graph = {("n", 0, i): (functions.noop, i) for i in range(width)}
    for layer in range(1, width):
        for i in range(width):
            needs = (("n", layer - 1, (i * 7 + 13 * k + layer) % width) for k in range(3))
            graph[("n", layer, i)] = (functions.noop, i, *needs)
    graph["end"] = (functions.noop, 0, [("n", width - 1, i) for i in range(width)])
    client.get(graph, "end")


def independent(client, count):
    assert len(client.gather(client.map(functions.noop, range(count), pure=False))) == count


def lone(client, count):
    """Microseconds of each call."""
    took = []
    for i in range(count):
        began = time.perf_counter()
        client.submit(functions.noop, i, pure=False).result()
        took.append((time.perf_counter() - began) * 1e6)
    return took


def memory(client, count, scheduler):
    """Bytes a task, once the scheduler knows them all."""
    before = processes.memory_bytes(scheduler)
    held = client.map(functions.noop, range(count), pure=False, resources={"nobody": 1})
    while client.run_on_scheduler(functions.tasks_known) < count:
        time.sleep(0.02)
    grown = processes.memory_bytes(scheduler) - before
    client.cancel(held)
    return grown / count


def measure(client, shape, count, everyone):
    def cpu():
        return sum(map(processes.cpu_us, everyone)) + time.process_time() * 1e6

    used, began = cpu(), time.perf_counter()
    took = {"independent": independent, "lone": lone, "chain": chain, "layered": layered}[shape](client, count)
    wall, used = (time.perf_counter() - began) * 1e6, (cpu() - used) / count
    if shape == "lone":
        processes.figure(shape, count, processes.percentile(took, .5), "us",
                         p99_us=processes.percentile(took, .99), cpu_us_per_task=used)
    else:
        processes.figure(shape, count, wall / count, "us/task", cpu_us_per_task=used)


def with_cluster(room, shapes):
    python = [sys.executable, "-B", "-m"]
    scheduler, port = processes.start_server(
        lambda port: [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port),
                      "--no-dashboard", "--no-show"])
    address = f"tcp://127.0.0.1:{port}"
    workers = [processes.start([*python, "distributed.cli.dask_worker", address, "--host", "127.0.0.1",
                                "--nworkers", "1", "--nthreads", "1", "--memory-limit", "0", "--no-dashboard",
                                "--no-nanny", "--local-directory", room]) for _ in range(2)]
    with distributed.Client(address) as client:
        client.wait_for_workers(2, timeout=60)
        independent(client, 200)
        for shape, count in shapes:
            if shape == "memory":
                processes.figure(shape, count, memory(client, count, scheduler), "B/task")
            else:
                measure(client, shape, count, [scheduler, *workers])
    processes.stop_all()


def main():
    # What dask forgot to wait for when its client closes is no failure of the measurement.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    shapes = [(shape, int(count)) for shape, count in (word.split("=") for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="maze-bench-") as room:
        # A process that has done other work grows by less: it has memory left.
        for part in (lambda shape: shape != "memory", lambda shape: shape == "memory"):
            if chosen := [(shape, count) for shape, count in shapes if part(shape)]:
                with_cluster(room, chosen)


if __name__ == "__main__":
    main()
