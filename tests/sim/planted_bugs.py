#!/usr/bin/env python3
"""Proves that the simulation finds bugs: plants each patch of tests/sim/planted into a copy of core/,
lives through the histories, and asserts that one of them fails and that its seed fails again.

Usage: planted_bugs.py [NAME...]      (default: all patches; needs c++, patch; uses ccache if there)
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
COMPILER = (["ccache"] if shutil.which("ccache") else []) + [os.environ.get("CXX", "c++")]
SEEDS = "1000"
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


def compile_one(source, tree, into):
    target = into / (source.relative_to(tree).as_posix().replace("/", "_") + ".o")
    must(COMPILER + FLAGS + ["-c", str(source.relative_to(tree)), "-o", str(target)], tree)
    return target


def link(objects, program, tree):
    must(COMPILER[-1:] + [str(each) for each in objects] + ["-lfmt", "-o", str(program)], tree)


def live(program, tree, **environment):
    try:
        return run([str(program)], tree, timeout=60, env={**os.environ, **environment})
    except subprocess.TimeoutExpired:
        raise RuntimeError("a history did not end within 60 s") from None


def build_plain(tree):
    with ThreadPoolExecutor(2) as pool:
        objects = dict(pool.map(lambda each: (each.relative_to(tree), compile_one(each, tree, tree)),
                                needed(tree)))
    link(objects.values(), tree / "plain", tree)
    done = live(tree / "plain", tree, MAZE_SIM_SEEDS=SEEDS)
    if done.returncode != 0:
        raise RuntimeError(f"the simulation fails without any patch:\n{done.stdout}{done.stderr}")
    return objects


def plant(patch, plain_objects, room):
    tree = room / patch.stem
    tree.mkdir()
    copy_tree(tree)
    applied = run(["patch", "-p1", "--fuzz=0", "-i", str(patch)], tree)
    if applied.returncode != 0:
        raise RuntimeError(f"the patch no longer applies; renew it:\n{applied.stdout}{applied.stderr}")
    changed = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)
    if not all(Path(name) in plain_objects for name in changed):
        raise RuntimeError("a patch may only change sources that the simulation links: others would be reused")
    objects = [compile_one(tree / name, tree, tree) if str(name) in changed else plain
               for name, plain in plain_objects.items()]
    link(objects, tree / "planted", tree)
    first = live(tree / "planted", tree, MAZE_SIM_SEEDS=SEEDS)
    found = FOUND.search(first.stdout)
    if first.returncode == 0 or not found:
        raise RuntimeError(f"{SEEDS} histories did not find it:\n{first.stdout}{first.stderr}")
    again = live(tree / "planted", tree, MAZE_SIM_SEED=found[1])
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
        room = Path(folder)
        plain = room / "plain-tree"
        plain.mkdir()
        copy_tree(plain)
        objects = build_plain(plain)

        def judge(patch):
            try:
                return True, plant(patch, objects, room)
            except RuntimeError as why:
                return False, str(why)

        with ThreadPoolExecutor(2) as pool:
            for patch, (caught, says) in zip(patches, pool.map(judge, patches)):
                print(f"{'found ' if caught else 'MISSED'} {patch.stem}: {says}", flush=True)
                failures += not caught
    if failures:
        sys.exit(f"{failures} of {len(patches)} planted bugs were not found")


if __name__ == "__main__":
    main()
