#!/usr/bin/env python3
"""What does running a command cost? N times /bin/true, two at a time, both streams captured.

One call is one round: the floor (a posix_spawn loop, spawn_floor.cpp) and xargs with half of N, then
maze-node, then the other halves, each on the same two cores and in tmpfs: a machine that slows down
meanwhile slows all three. Prints one JSON line for each N; tests/bench/run calls it and
describes the line and MAZE_BENCH_SIZE.

maze-node's figure is the time from the acceptance of the run to its end, as its own report says:
without the start of the process and the reading of the file. Its CPU time is that of everything.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

AT_A_TIME = 2
SIZES = {"quick": (200,), "normal": (2_000,), "full": (2_000, 20_000, 100_000)}
BIN = pathlib.Path(os.environ.get("MAZE_BIN_DIR", "build/release/bin"))


def measured(command, **options):
    """(output, wall seconds, CPU seconds of the process and all it waited for)."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"commands_bench: {command[0]} ended with {process.returncode}\n{output[-2000:]}")
    return output, time.monotonic() - began, usage.ru_utime + usage.ru_stime


def floor(tasks):
    output, _, _ = measured([BIN / "spawn_floor", str(tasks), str(AT_A_TIME)])
    return json.loads(output)


def xargs(tasks, folder):
    if not shutil.which("xargs"):
        return {"missing": "xargs is not installed (package findutils)"}
    # xargs passes output through instead of capturing it: a file in tmpfs takes its place.
    lines = folder / "lines"
    lines.write_text("".join(f"{i}\n" for i in range(tasks)))
    with open(lines, encoding="ascii") as source:
        _, wall, cpu = measured(["xargs", f"-P{AT_A_TIME}", "-n1", "/bin/true"], stdin=source)
    return {"value": wall / tasks * 1e6, "cpu_us_per_task": cpu / tasks * 1e6}


def peers(tasks, folder):
    return {"posix_spawn loop": floor(tasks), "xargs": xargs(tasks, folder)}


def mean(one, other):
    return one if "missing" in one else {name: (one[name] + other[name]) / 2 for name in one}


def maze(tasks, folder):
    workflow = {
        "maze": 1, "name": "commands", "defaults": {"sandbox": "subprocess", "output": {"run": "dict"}},
        "tasks": {f"t{i}": {"command": ["/bin/true"]} for i in range(tasks)},
    }
    file = folder / "commands.json"
    file.write_text(json.dumps(workflow))
    # maze-node refuses variables of its own prefix that it does not know.
    passed_on = {name: text for name, text in os.environ.items() if not name.startswith("MAZE_")}
    environment = {**passed_on, "XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    output, _, cpu = measured(
        [BIN / "maze-node", "run", file, "--output", "json", "--jobs", str(AT_A_TIME), "--dir", folder / "state"],
        env=environment, cwd=folder)
    elapsed = json.loads(output)["timing"]["elapsed_s"]
    return {"value": elapsed / tasks * 1e6, "cpu_us_per_task": cpu / tasks * 1e6}


def main():
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:AT_A_TIME])
    for tasks in SIZES[os.environ.get("MAZE_BENCH_SIZE", "normal")]:
        with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="maze-bench-") as name:
            # A root node's children run under other users and must reach their folders.
            os.chmod(name, 0o711)
            folder = pathlib.Path(name)
            before = peers(tasks // 2, folder)
            figure = {"name": f"commands/true x {tasks}, 2 at a time, captured", "unit": "us/task"}
            if (BIN / "maze-node").exists():
                figure |= maze(tasks, folder)
            else:
                figure["missing"] = f"{BIN}/maze-node is not built"
            after = peers(tasks // 2, folder)
            both = {name: mean(before[name], after[name]) for name in before}
            print(json.dumps({**figure, "peers": both}), flush=True)


if __name__ == "__main__":
    main()
