#!/usr/bin/env python3
"""Checks the rules of the house that no compiler checks: see RULES below and tests/README.md.

    check_tidy.py rules [--root DIR]    every rule; prints path:line: rule: what is wrong
    check_tidy.py format [--root DIR]   clang-format 14 has nothing to change

Exit codes: 0 clean, 1 breaches found, 2 wrong use. A missing clang-format prints `SKIPPED: ...`.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Iterator, NamedTuple

LAYERS = ("core", "io", "sandbox", "actors")
FOLDERS = LAYERS + ("tools", "tests")
TOP_FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE"}
SOURCES = (".cpp", ".hpp", ".h", ".c", ".cu", ".cuh")
TEXTS = SOURCES + (".py", ".cmake", ".txt", ".md", ".sh", ".yaml", ".yml", ".js", ".css", ".html")
DATA = ("tests/fuzz/corpus/", "tests/data/")
LINES_MAX = 400

# Third-party headers: prefix -> library.
LIBRARIES = {
    "caf/": "CAF", "boost/process": "Boost.Process", "boost/": "Boost", "nlohmann/": "nlohmann-json",
    "yaml-cpp/": "yaml-cpp", "spdlog/": "spdlog", "fmt/": "fmt", "tl/": "tl-expected",
    "archive.h": "libarchive", "archive_entry.h": "libarchive", "xxh": "xxHash", "sqlite3": "SQLite",
    "openssl/": "OpenSSL", "CLI/": "CLI11", "catch2/": "Catch2", "cuda": "CUDA", "nvml": "CUDA",
    "seccomp.h": "libseccomp", "editline/": "libedit", "histedit.h": "libedit",
    "benchmark/": "Google Benchmark",
}
ANYWHERE = {"fmt", "tl-expected"}
MAY_LINK = {
    "core": ANYWHERE,
    "io": ANYWHERE | {"nlohmann-json", "yaml-cpp", "spdlog", "libarchive", "xxHash", "SQLite", "OpenSSL", "Boost"},
    "sandbox": ANYWHERE | {"Boost", "Boost.Process", "CUDA", "libseccomp"},
    "actors": ANYWHERE | {"CAF", "Boost", "OpenSSL", "spdlog"},
    "tools": set(LIBRARIES.values()) - {"libarchive", "xxHash", "Boost.Process", "CUDA", "Catch2"},
    "tools/examples": set(LIBRARIES.values()) - {"libarchive", "xxHash", "Catch2"},
    "tests": set(LIBRARIES.values()) - {"Boost.Process", "CUDA"},
    "tests/sandbox": set(LIBRARIES.values()),
}
MAY_SEE = {
    "core": ("core",),
    "io": ("core", "io"),
    "sandbox": ("core", "io", "sandbox"),
    "actors": LAYERS,
    "tools": LAYERS,
    "tests": LAYERS,
}
# core decides with values alone: of the standard library it gets what touches no machine.
STD_FOR_CORE = set("""algorithm any array bit bitset cassert cctype charconv chrono climits cmath compare
concepts cstddef cstdint cstdio cstdlib cstring cxxabi.h deque exception expected functional initializer_list iterator
limits list map memory memory_resource new numbers numeric optional queue random ranges ratio regex set
span stack stdexcept string string_view tuple type_traits typeindex typeinfo unordered_map unordered_set
utility variant vector version cfloat cinttypes valarray forward_list iosfwd source_location""".split())


class Breach(NamedTuple):
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree(NamedTuple):
    """What is checked: the text files by path, all top-level entries, the paths with a run bit."""
    files: dict[str, str]
    top: set[str]
    runnable: set[str]

    def sources(self) -> Iterator[tuple[str, str]]:
        return ((p, t) for p, t in self.files.items() if p.endswith(SOURCES))


def read_tree(root: pathlib.Path) -> Tree:
    files, runnable = {}, set()
    roots = [root / name for name in FOLDERS + (".ci",)]
    found = [root / name for name in sorted(TOP_FILES)]
    for folder in roots:
        for parent, names, leaves in os.walk(folder):
            names[:] = [n for n in names if n != "__pycache__"]
            found += [pathlib.Path(parent, leaf) for leaf in leaves]
    for path in found:
        name = path.relative_to(root).as_posix()
        if not path.is_file() or name.startswith(DATA):
            continue
        data = path.read_bytes()
        if path.suffix in TEXTS or data.startswith(b"#!"):
            files[name] = data.decode("utf-8", "replace")
            if os.access(path, os.X_OK):
                runnable.add(name)
    return Tree(files, {entry.name for entry in root.iterdir()}, runnable)


def lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)


def includes(text: str) -> Iterator[tuple[int, str, bool]]:
    """(line, name, quoted) of each include."""
    for number, line in lines(text):
        if match := re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line):
            yield number, match[1] or match[2], bool(match[1])


def layer_of(path: str) -> str:
    return path.split("/", 1)[0]


def library_of(name: str) -> str | None:
    return next((lib for prefix, lib in LIBRARIES.items() if name.startswith(prefix)), None)


def rule_layers(tree: Tree) -> Iterator[Breach]:
    """Includes follow the arrows: tools -> actors -> sandbox -> io -> core, each with its libraries."""
    for path, text in tree.sources():
        layer = layer_of(path)
        room = max((r for r in MAY_LINK if path.startswith(r + "/")), key=len, default=layer)
        for number, name, quoted in includes(text):
            if name == "caf/all.hpp":
                yield Breach(path, number, "layers", "caf/all.hpp costs 2 s a file: include the narrow header")
            if name.startswith("maze/"):
                seen = name.split("/")[1]
                if seen in LAYERS and seen not in MAY_SEE[layer]:
                    yield Breach(path, number, "layers", f"{layer} must not know {seen} ({name})")
                if not quoted:
                    yield Breach(path, number, "layers", f'write "{name}", with quotes')
            elif quoted and layer in LAYERS:
                yield Breach(path, number, "layers", f'write "maze/{layer}/...", not "{name}"')
            elif not quoted:
                library = library_of(name)
                if library and library not in MAY_LINK[room]:
                    yield Breach(path, number, "layers", f"{library} is not for {room} ({name})")
                if not library and layer == "core" and name not in STD_FOR_CORE:
                    yield Breach(path, number, "layers", f"core decides with plain values; <{name}> touches the machine")


def rule_purity(tree: Tree) -> Iterator[Breach]:
    """core gets the time as an argument; actors name their timeouts and keep caf:: qualified."""
    bans = [
        ("core", r"_clock::now\b", "core must not read the time: take it as an argument"),
        ("core", r"\bf(open|reopen|read|write)\(", "core opens no file: take the bytes as an argument"),
        ("actors", r"\bcaf::infinite\b", "a request to another actor needs a finite timeout from the configuration"),
        ("", r"\busing namespace caf\b", "qualify CAF's names: caf::optional and others collide with std"),
    ]
    for path, text in tree.sources():
        for number, line in lines(text):
            for layer, pattern, message in bans:
                if path.startswith(layer) and re.search(pattern, line):
                    yield Breach(path, number, "purity", message)


def rule_size(tree: Tree) -> Iterator[Breach]:
    """No file is longer than one can hold in mind."""
    for path, text in tree.files.items():
        count = text.count("\n")
        if path.endswith(SOURCES + (".py",)) and count > LINES_MAX:
            yield Breach(path, LINES_MAX, "size", f"{count} lines, the limit is {LINES_MAX}: split it by responsibility")


def rule_tested(tree: Tree) -> Iterator[Breach]:
    """Every unit has a test file of its own name."""
    for path in tree.files:
        folder, _, name = path.rpartition("/")
        if folder in LAYERS and name.endswith(".cpp"):
            test = f"tests/{folder}/{name[:-4]}_test.cpp"
            if test not in tree.files:
                yield Breach(path, 1, "tested", f"{test} is missing")


def rule_headers(tree: Tree) -> Iterator[Breach]:
    """Headers are guarded by pragma once, ahead of any code."""
    for path, text in tree.sources():
        if path.endswith((".hpp", ".h", ".cuh")):
            code = [line for line in text.split("\n") if line.strip() and not line.startswith("//")]
            if not code or code[0].strip() != "#pragma once":
                yield Breach(path, 1, "headers", "the first line of code must be #pragma once")


def rule_order(tree: Tree) -> Iterator[Breach]:
    """Own header first (which proves that it stands alone), then maze/, third party, std."""
    titles = ("its own header", 'quoted "maze/..." headers', "third-party headers", "system and std headers")
    for path, text in tree.sources():
        own = f"maze/{path[:-4]}.hpp" if path.endswith(".cpp") and f"{path[:-4]}.hpp" in tree.files else None
        if own and layer_of(path) not in LAYERS:
            own = own.split("/", 2)[2]
        last, first = 0, True
        for number, name, quoted in includes(text):
            rank = 0 if name == own else 1 if quoted else 2 if library_of(name) else 3
            if first and own and rank:
                yield Breach(path, number, "order", f'"{own}" has to be the first include')
            elif 0 < rank < last:
                yield Breach(path, number, "order", f"{titles[rank]} come before {titles[last]} ({name})")
            last, first = max(last, rank), False


def rule_text(tree: Tree) -> Iterator[Breach]:
    """No tabs, no blanks at line ends, a newline at the end, nothing left open."""
    left_open = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
    for path, text in tree.files.items():
        if text and not text.endswith("\n"):
            yield Breach(path, text.count("\n") + 1, "text", "the last line has no newline")
        for number, line in lines(text):
            if "\t" in line:
                yield Breach(path, number, "text", "a tab: indent with blanks, write \\t in a literal")
            if line.endswith((" ", "\r")):
                yield Breach(path, number, "text", "blanks or a carriage return at the end of the line")
            if left_open.search(line):
                yield Breach(path, number, "text", "finish it or describe it where it will be found; no open ends in the code")


def rule_honest_tests(tree: Tree) -> Iterator[Breach]:
    """Tests wait for events, and none is allowed to fail or hidden from the runs."""
    naps = re.compile(r"\b(sleep_for|sleep_until)\b|\b(usleep|nanosleep)\(|(?<!\w)(this_thread::|time\.|::|\s)sleep\(")
    hidden = re.compile(r"TEST_CASE.*\[(\.\w*|!hide|!mayfail|!shouldfail)\]")
    for path, text in tree.files.items():
        if not path.startswith("tests/") or path.startswith(("tests/bench/", "tests/tidy/")) or path.endswith(".md"):
            continue
        for number, line in lines(text):
            if naps.search(line):
                yield Breach(path, number, "honest-tests", "a test that sleeps is slow or flaky: wait for the event")
            if hidden.search(line):
                yield Breach(path, number, "honest-tests", "a hidden or may-fail case: repair it, or use MAZE_NEEDS")


def rule_braces(tree: Tree) -> Iterator[Breach]:
    """list{list{...}} is a copy to clang and a list in a list to g++."""
    nested = re.compile(r"\blist\{\s*(?:\w+::)*list\{")
    for path, text in tree.sources():
        for match in nested.finditer(text):
            yield Breach(path, text.count("\n", 0, match.start()) + 1, "braces",
                         "compilers differ on nested lists: write list{value(list{...})}")


def rule_folders(tree: Tree) -> Iterator[Breach]:
    """The top level stays as small as it is."""
    for name in sorted(tree.top):
        if not (name in FOLDERS or name in TOP_FILES or name.startswith(".") or name in ("build", "compile_commands.json")):
            yield Breach(name, 1, "folders", f"not a room of this house; the folders are {', '.join(FOLDERS)}")


def rule_scripts(tree: Tree) -> Iterator[Breach]:
    """Scripts can be run, and bash can parse them."""
    for path, text in tree.files.items():
        if not text.startswith("#!"):
            continue
        if path not in tree.runnable:
            yield Breach(path, 1, "scripts", f"it has a shebang but no run bit: chmod +x {path}")
        if re.match(r"#!.*\bbash\b", text):
            bash = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
            if bash.returncode:
                yield Breach(path, 1, "scripts", bash.stderr.strip())


RULES = (rule_layers, rule_purity, rule_size, rule_tested, rule_headers, rule_order, rule_text,
         rule_honest_tests, rule_braces, rule_folders, rule_scripts)


def check(tree: Tree) -> list[Breach]:
    return sorted(breach for rule in RULES for breach in rule(tree))


def check_format(root: pathlib.Path) -> int:
    formatter = shutil.which("clang-format-14")
    if not formatter:
        print("SKIPPED: clang-format-14 is not installed; tools/setup installs it")
        return 0
    files = [str(root / path) for path, _ in read_tree(root).sources()]
    run = subprocess.run([formatter, "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
    if run.returncode == 0:
        print(f"{len(files)} files are formatted")
        return 0
    guilty = sorted(set(re.findall(r"^(.+?):\d+:\d+: error", run.stderr, re.MULTILINE)))
    print("\n".join(f"{path}: not formatted; run: clang-format-14 -i {path}" for path in guilty) or run.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the rules of the house.")
    parser.add_argument("what", choices=("rules", "format"))
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    if options.what == "format":
        return check_format(options.root)
    tree = read_tree(options.root)
    breaches = check(tree)
    for breach in breaches:
        print(breach)
    print(f"{len(tree.files)} files, {len(RULES)} rules, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
