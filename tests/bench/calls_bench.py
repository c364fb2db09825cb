#!/usr/bin/env python3
"""What does calling a function on a warm worker cost? Beside gearman, dask, bare relays and the goals.

One call is one round: the floor (peers/relay_floor.cpp), gearman, maze, dask, the floor again, all on the same
two cores. Prints one JSON line for each figure; tests/bench/run calls it and describes the line and
MAZE_BENCH_SIZE. Every figure is better when it is lower, so a ratio to `goal` of at most 1 means reached.

maze's side is the program maze-calls-bench: it starts its own nodes, takes the sizes from MAZE_BENCH_SIZE and
prints JSON lines with "shape" (independent, lone, chain, layered, sealed, forked, python, python_forked, memory), "transport" (local or tls),
"durable", "n" and, as far as they apply, "us_per_task", "cpu_us_per_task" (all processes), "p50_us", "p99_us"
and "bytes_per_task" (of the master, for a task that waits).

- independent: N calls of a function that does nothing, every result comes back to the client.
- lone: one call after the other.
- chain: each call needs the result of the one before. layered: 100 layers of 100 calls, each needs three.
- python: as independent, with a Python function. dask calls Python in all shapes.
- sealed: as independent, in children of level seccomp. forked: as independent, each call in a copy of a child;
  python_forked: the same with a Python function and at level seccomp.
- memory: what the server grows by for each task that waits.

Peers run at sizes of their own, since dask takes 2 ms a task, and keep nothing on disk. Beside a durable lone
call the floor adds the result to a file in $TMPDIR and waits for fdatasync before the client gets it. In other
shapes it keeps nothing: who writes beside the calls need not wait for the disk.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ.get("MAZE_BIN_DIR", "build/release/bin")).resolve()
PEERS = pathlib.Path(__file__).resolve().parent / "peers"
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

FLOOR = {"independent": 100_000, "lone": 1_000, "chain": 1_000, "layered": 10_000, "python": 100_000}
SIZES = {
    "quick": ({"independent": 3_000, "lone": 300, "memory": 3_000},
              {"independent": 500, "lone": 50, "chain": 100, "layered": 400, "memory": 2_000}),
    "normal": ({"independent": 100_000, "lone": 1_000, "memory": 20_000},
               {"independent": 3_000, "lone": 200, "chain": 1_000, "layered": 10_000, "memory": 10_000}),
    "full": ({"independent": 100_000, "lone": 3_000, "memory": 100_000},
             {"independent": 10_000, "lone": 500, "chain": 1_000, "layered": 10_000, "memory": 50_000}),
}
GEARMAN, DASK = SIZES[os.environ.get("MAZE_BENCH_SIZE", "normal")]

# 150,000 calls a second, 5,000 of Python; us, and bytes for memory.
GOALS = {"independent": {"value": 1e6 / 150_000, "cpu_us_per_task": 10}, "lone": {"value": 300},
         "chain": {"value": 300}, "layered": {"value": 20}, "python": {"value": 1e6 / 5_000}, "memory": {"value": 400},
         "python_forked": {"value": 4_000}}
LONE_DURABLE_GOAL = {"value": 600}
# How much more a call may cost in a sealed child than in a bare one.
SEALED_GOAL = 1.1
# How much more a call may cost among ten times as many.
GROWTH_GOAL = 1.1


def lines_of(command, **options):
    """(the JSON lines that it printed, why there are no more of them or nothing)."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=900, **options)
    except OSError as error:
        return [], f"{command[0]}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return [], f"{pathlib.Path(command[0]).name} takes longer than 900 s"
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return lines, f"{pathlib.Path(command[0]).name} ended with {done.returncode}" if done.returncode else None


def peer(command):
    """Figures by shape, or {"missing": reason}."""
    lines, reason = lines_of(command)
    missing = [line["missing"] for line in lines if "missing" in line] or [reason]
    return {"missing": missing[0]} if missing[0] else {line["shape"]: line for line in lines}


def floor():
    """Figures by shape."""
    program = str(BIN / "relay_floor")
    if not os.path.exists(program):
        return {"missing": f"{program} is not built"}
    found = {}
    with tempfile.TemporaryDirectory(prefix="maze-bench-") as room:
        file = ["--durable", f"{room}/results"]
        python = ["--child", PYTHON, "-S", str(PEERS / "python_floor.py")]
        runs = [(shape, shape, []) for shape in ("independent", "lone", "chain", "layered")]
        runs += [("lone, durable", "lone", file), ("python", "independent", python)]
        for name, shape, words in runs:
            lines, reason = lines_of([program, shape, str(FLOOR["python" if name == "python" else shape]), *words])
            if reason:
                return {"missing": reason}
            found[name] = lines[0]
    return found


def mean(one, other):
    if "missing" in one or "missing" in other:
        return one if "missing" in one else other
    return {shape: {key: (value + other[shape][key]) / 2 if isinstance(value, float) else value
                    for key, value in figure.items()} for shape, figure in one.items()}


def maze():
    """The lines of maze-calls-bench, and why there are no more of them or nothing."""
    program = BIN / "maze-calls-bench"
    if not program.exists():
        return [], f"{program} is not built"
    lines, reason = lines_of([str(program)])
    return [line for line in lines if "shape" in line], reason


def beside(shape, durable, key, others):
    """What the others need for the shape; `key` is "value" or "p99_us"."""
    found = {}
    for name, of in others.items():
        figure = of.get(f"{shape}, durable" if durable else shape) or of.get(shape)
        if name == "dask" and shape == "python":
            figure = of.get("independent")
        if "missing" in of:
            found[name] = of
        elif figure and key in figure:
            found[name] = {"value": figure[key]}
            if "cpu_us_per_task" in figure:
                found[name]["cpu_us_per_task"] = figure["cpu_us_per_task"]
    return found


def figure(name, unit, value, peers, **more):
    line = {"name": f"calls/{name}", "unit": unit, "better": "lower", **more, "peers": peers}
    print(json.dumps(line if value is None else {**line, "value": value}), flush=True)


def compare(line, of_maze, others):
    """Prints the figures of one line of maze-calls-bench."""
    shape, durable = line["shape"], line.get("durable", False)
    where = f"{line.get('transport', 'local')}{', durable' if durable else ''}"
    more = {key: line[key] for key in ("cpu_us_per_task", "missing") if key in line}
    goal = LONE_DURABLE_GOAL if shape == "lone" and durable else GOALS.get(shape)
    peers = ({"goal": goal} if goal else {}) | beside(shape, durable, "value", others)
    if shape == "sealed":
        peers |= {f"goal: {SEALED_GOAL} of independent": {"value": other["us_per_task"] * SEALED_GOAL} for other in of_maze
                  if other["shape"] == "independent" and other["n"] == line["n"]
                  and other.get("transport") == line.get("transport")}
    if shape == "lone":
        figure(f"lone call, median, {where}", "us", line.get("p50_us"), peers, **more)
        figure(f"lone call, 99 %, {where}", "us", line.get("p99_us"), beside(shape, durable, "p99_us", others), **more)
        return
    if shape == "memory":
        figure(f"memory of a waiting task, {where}", "B/task", line.get("bytes_per_task"), peers, **more)
        return
    for fewer in of_maze:
        same = all(fewer.get(key) == line.get(key) for key in ("shape", "transport", "durable"))
        if same and fewer["n"] < line["n"] and "us_per_task" in fewer:
            peers[f"goal: {GROWTH_GOAL} of x {fewer['n']}"] = {"value": fewer["us_per_task"] * GROWTH_GOAL}
    figure(f"{shape} x {line['n']}, {where}", "us/task", line.get("us_per_task"), peers, **more)


def main():
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])

    def words(sizes):
        return [f"{shape}={count}" for shape, count in sizes.items()]

    before = floor()
    gearman = peer([PYTHON, "-B", str(PEERS / "gearman_peer.py"), str(BIN), *words(GEARMAN)])
    lines, reason = maze()
    dask = peer([PYTHON, "-B", str(PEERS / "dask_peer.py"), *words(DASK)])
    others = {"floor": mean(before, floor()), "gearman": gearman, "dask": dask}
    for shape in GOALS:
        if not any(line["shape"] == shape for line in lines):
            why = reason or "maze-calls-bench left it out"
            compare({"shape": shape, "n": FLOOR.get(shape), "missing": why}, [], others)
    for line in lines:
        compare(line, lines, others)


if __name__ == "__main__":
    main()
