#!/usr/bin/env python3
"""Proves that the simulation finds bugs: plants each patch of tests/sim/planted into a copy of its source,
links it in front of what a build made of the rest, lives through the histories, and asserts that one of them
fails and that its seed fails again.

Usage: planted_bugs.py [--build FOLDER] [NAME...]      (default: all patches, build/dev; needs patch)
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
PATCHES = SOURCE / "tests/sim/planted"
SEEDS = "1000"
JOBS = os.cpu_count() or 2
FOUND = re.compile(r"^seed = (\d+)$", re.MULTILINE)


def run(words, folder, **settings):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, **settings)


def must(words, folder):
    done = run(words, folder)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def changed_by(patch):
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)


def live(program, tree, **environment):
    try:
        return run([str(program)], tree, timeout=60, env={**os.environ, **environment})
    except subprocess.TimeoutExpired:
        raise RuntimeError("a history did not end within 60 s") from None


class Simulation:
    """The simulation as it was built, and with a patch."""

    def __init__(self, build, room, patches):
        cache = (build / "CMakeCache.txt").read_text()
        compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE)[1]
        self.compile = [compiler, "-std=c++20", "-O1", f"-I{build}/include"]
        # One that changes a source defines all that the library's object of it does, so the linker leaves that one out.
        self.rest = [str(build / each) for each in ("tests/libmaze_sim_main.a", "tests/libmaze_sim.a",
                                                    "core/libmaze_core.a")] + ["-lfmt"]
        self.precompile({name for patch in patches for name in changed_by(patch)}, room)
        self.link([], room / "plain", room)
        done = live(room / "plain", room, MAZE_SIM_SEEDS=SEEDS)
        if done.returncode != 0:
            raise RuntimeError(f"the simulation fails without any patch:\n{done.stdout}{done.stderr}")

    def precompile(self, names, room):
        """The headers of all sources that patches change as one, which each build of one then reads at once."""
        header = room / "headers.hpp"
        header.write_text("\n".join(sorted({line for name in names for line in re.findall(
            r"^#include .*$", (SOURCE / name).read_text(), re.MULTILINE)})) + "\n")
        must(self.compile + ["-x", "c++-header", str(header), "-o", f"{header}.gch"], room)
        self.compile += ["-include", str(header)]

    def link(self, objects, program, room):
        must([self.compile[0], *objects, *self.rest, "-o", str(program)], room)

    def plant(self, patch, room):
        """Builds it with `patch`, which must be found; says by which seed and what broke."""
        for name in changed_by(patch):
            (room / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, room / name)
        applied = run(["patch", "-p1", "--fuzz=0", "-i", str(patch)], room)
        if applied.returncode != 0:
            raise RuntimeError(f"the patch no longer applies; renew it:\n{applied.stdout}{applied.stderr}")
        objects = []
        for name in changed_by(patch):
            objects.append(f"{Path(name).stem}.o")
            must(self.compile + ["-c", name, "-o", objects[-1]], room)
        self.link(objects, room / "planted", room)
        first = live(room / "planted", room, MAZE_SIM_SEEDS=SEEDS)
        found = FOUND.search(first.stdout)
        if first.returncode == 0 or not found:
            raise RuntimeError(f"{SEEDS} histories did not find it:\n{first.stdout}{first.stderr}")
        again = live(room / "planted", room, MAZE_SIM_SEED=found[1])
        if (again.returncode, again.stdout, again.stderr) != (first.returncode, first.stdout, first.stderr):
            raise RuntimeError(f"seed {found[1]} does not replay:\n{first.stdout}{again.stdout}")
        says = (first.stdout[found.end():] + first.stderr).strip().splitlines()
        return f"seed {found[1]}: {says[0] if says else 'aborted'}"


def main():
    parser = argparse.ArgumentParser(description="Plants bugs that the simulation must find.")
    parser.add_argument("--build", type=Path, default=SOURCE / "build/dev")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    patches = [each for each in sorted(PATCHES.glob("*.patch")) if not options.names or each.stem in options.names]
    if not patches:
        sys.exit("no such patch in tests/sim/planted")
    if not (options.build / "tests/libmaze_sim_main.a").exists():
        sys.exit(f"{options.build} holds no simulation: build it first, without sanitizers")
    failures = 0
    with tempfile.TemporaryDirectory(prefix="maze-planted-") as folder:
        simulation = Simulation(options.build.resolve(), Path(folder), patches)

        def judge(patch):
            room = Path(folder) / patch.stem
            room.mkdir()
            try:
                return True, simulation.plant(patch, room)
            except RuntimeError as why:
                return False, str(why)

        with ThreadPoolExecutor(JOBS) as pool:
            for patch, (caught, says) in zip(patches, pool.map(judge, patches)):
                print(f"{'found ' if caught else 'MISSED'} {patch.stem}: {says}", flush=True)
                failures += not caught
    if failures:
        sys.exit(f"{failures} of {len(patches)} planted bugs were not found")


if __name__ == "__main__":
    main()
