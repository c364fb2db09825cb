#!/usr/bin/env python3
"""Proves that the simulation finds bugs: plants each patch of tests/sim/planted into a copy of core/,
lives through the histories, and asserts that one of them fails and that its seed fails again.

Usage: planted_bugs.py [NAME...]      (default: all patches; needs c++ and patch)
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(os.environ.get("MAZE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
FLAGS = ["-std=c++20", "-O1", "-Itests", "-Iinclude"]
COMPILER = [os.environ.get("CXX", "c++")]
SEEDS = "1000"
JOBS = os.cpu_count() or 2
FOUND = re.compile(r"^seed = (\d+)$", re.MULTILINE)


def run(words, folder, **settings):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, **settings)


def must(words, folder):
    done = run(words, folder)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def needed(tree):
    """The sources of the simulation, and those of core that they lead to through #include."""
    found = []
    open_files = sorted((tree / "tests/sim").glob("*.cpp")) + [tree / "tests/sim/planted/main.cpp"]
    open_files = [each for each in open_files if not each.name.endswith("_test.cpp")]
    seen = set(open_files)
    while open_files:
        each = open_files.pop(0)
        if each.suffix == ".cpp":
            found.append(each)
        for layer, name in re.findall(r'#include "(maze/core|sim)/(\w+)\.hpp"', each.read_text()):
            folder = tree / ("core" if layer == "maze/core" else "tests/sim")
            parts = [folder / f"{name}.hpp"] + sorted(folder.glob(f"{name}.cpp"))
            # A class may be spread over several files, which then include its header first.
            parts += [other for other in sorted(folder.glob("*.cpp"))
                      if f'/{name}.hpp"' in other.read_text() and not other.name.endswith("_test.cpp")
                      and other.name.split("_")[0] == name.split("_")[0]]
            for part in parts:
                if part not in seen:
                    seen.add(part)
                    open_files.append(part)
    return found


def copy_tree(tree):
    for folder in ("core", "tests/sim"):
        shutil.copytree(SOURCE / folder, tree / folder)
    (tree / "include").mkdir()
    (tree / "include/maze").symlink_to(tree)


def changed_by(patch):
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)


def together(sources, tree):
    """`sources` in a few translation units: most of the time each takes goes to headers they share."""
    units = []
    for number, start in enumerate(range(0, len(sources), 5)):
        unit = tree / f"together_{sources[0].parent.name}_{number}.cpp"
        unit.write_text("".join(f'#include "{each}"\n' for each in sources[start:start + 5]))
        units.append(unit)
    return units


def precompile(sources, tree):
    """The headers of `sources` as one, which each of the many builds of them then reads at once."""
    names = sorted({line for each in sources
                    for line in re.findall(r"^#include .*$", each.read_text(), re.MULTILINE)})
    header = tree / "headers.hpp"
    header.write_text("\n".join(names) + "\n")
    must(COMPILER + FLAGS + ["-x", "c++-header", header.name, "-o", f"{header.name}.gch"], tree)
    return ["-include", header.name]


def compile_one(source, tree, into, more=()):
    target = into / f"{source.parent.name}_{source.stem}.o"
    must(COMPILER + FLAGS + [*more, "-c", str(source), "-o", str(target)], tree)
    return target


def link(objects, program, tree):
    must(COMPILER + [str(each) for each in objects] + ["-lfmt", "-o", str(program)], tree)


def live(program, tree, **environment):
    try:
        return run([str(program)], tree, timeout=60, env={**os.environ, **environment})
    except subprocess.TimeoutExpired:
        raise RuntimeError("a history did not end within 60 s") from None


class Simulation:
    """The simulation without a patch, built so that one with a patch is soon built."""

    def __init__(self, tree, patches):
        self.tree = tree
        copy_tree(tree)
        sources = needed(tree)
        patched = {name for patch in patches for name in changed_by(patch)}
        own = [each for each in sources if str(each.relative_to(tree)) in patched]
        core = [each for each in sources if each.parent.name == "core" and each not in own]
        sim = [each for each in sources if each not in own and each not in core]
        with ThreadPoolExecutor(JOBS) as pool:
            others = pool.map(lambda each: compile_one(each, tree, tree), together(sim, tree) + together(core, tree))
            self.flags = precompile(own, tree)
            self.own = dict(pool.map(
                lambda each: (str(each.relative_to(tree)), compile_one(each, tree, tree, self.flags)), own))
            self.others = list(others)
        link([*self.others, *self.own.values()], tree / "plain", tree)
        done = live(tree / "plain", tree, MAZE_SIM_SEEDS=SEEDS)
        if done.returncode != 0:
            raise RuntimeError(f"the simulation fails without any patch:\n{done.stdout}{done.stderr}")

    def plant(self, patch, room):
        """Builds it with `patch`, which must be found; says by which seed and what broke."""
        objects = dict(self.own)
        for name in changed_by(patch):
            if name not in objects:
                raise RuntimeError(f"a patch may only change sources that the simulation links, not {name}")
            (room / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.tree / name, room / name)
        applied = run(["patch", "-p1", "--fuzz=0", "-i", str(patch)], room)
        if applied.returncode != 0:
            raise RuntimeError(f"the patch no longer applies; renew it:\n{applied.stdout}{applied.stderr}")
        for name in changed_by(patch):
            objects[name] = compile_one(room / name, self.tree, room, self.flags)
        link([*self.others, *objects.values()], room / "planted", self.tree)
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
    names = sys.argv[1:]
    patches = [each for each in sorted((SOURCE / "tests/sim/planted").glob("*.patch"))
               if not names or each.stem in names]
    if not patches:
        sys.exit("no such patch in tests/sim/planted")
    failures = 0
    with tempfile.TemporaryDirectory(prefix="maze-planted-") as folder:
        simulation = Simulation(Path(folder) / "plain", patches)

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
