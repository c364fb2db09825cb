#!/usr/bin/env python3
"""Each rule of check_tidy.py finds a breach planted for it, and leaves a clean tree alone."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import check_tidy

CLEAN = {
    "core/graph.hpp": "#pragma once\n\n#include <fmt/format.h>\n\n#include <vector>\n",
    "core/graph.cpp": '#include "maze/core/graph.hpp"\n\n#include <map>\n',
    "tests/core/graph_test.cpp": '#include "maze/core/graph.hpp"\n\n#include <catch2/catch.hpp>\n',
    "io/journal.hpp": '/// Facts on disk.\n#pragma once\n\n#include "maze/core/graph.hpp"\n\n#include <sqlite3.h>\n\n#include <unistd.h>\n',
    "sandbox/cgroup.hpp": '#pragma once\n#include "maze/io/journal.hpp"\n\n#include <boost/process.hpp>\n',
    "actors/wire.hpp": '#pragma once\n#include "maze/sandbox/cgroup.hpp"\n\n#include <caf/typed_actor.hpp>\n',
    "tools/node/main.cpp": '#include "node/options.hpp"\n#include "maze/actors/wire.hpp"\n\n#include <CLI/CLI.hpp>\n',
    "tests/sandbox/pipe_test.cpp": "#include <boost/process.hpp>\n",
}


def breaches(changes, top=(), runnable=()):
    """The breaches of the clean tree with `changes` made to it, as 'path: rule'."""
    tree = check_tidy.Tree({**CLEAN, **changes}, set(check_tidy.FOLDERS) | set(top), set(runnable))
    return [f"{breach.path}: {breach.rule}" for breach in check_tidy.check(tree)]


class Layers(unittest.TestCase):
    def test_a_clean_tree_has_no_breach(self):
        self.assertEqual(breaches({}), [])

    def expect(self, path, include, count=1):
        text = f"#pragma once\n#include {include}\n"
        self.assertEqual(breaches({path: text}), [f"{path}: layers"] * count)

    def test_no_layer_includes_one_above_it(self):
        self.expect("core/x.hpp", '"maze/io/journal.hpp"')
        self.expect("io/x.hpp", '"maze/sandbox/cgroup.hpp"')
        self.expect("sandbox/x.hpp", '"maze/actors/wire.hpp"')

    def test_core_touches_no_machine(self):
        for header in ("unistd.h", "thread", "fstream", "filesystem", "mutex", "spdlog/spdlog.h", "boost/asio.hpp"):
            with self.subTest(header):
                self.expect("core/x.hpp", f"<{header}>")

    def test_caf_stays_in_actors_tests_and_tools(self):
        for folder in ("core", "io", "sandbox"):
            with self.subTest(folder):
                self.expect(f"{folder}/x.hpp", "<caf/actor.hpp>")
        self.assertEqual(breaches({"tests/actors/a_test.cpp": "#include <caf/actor.hpp>\n"}), [])

    def test_nobody_includes_all_of_caf(self):
        self.expect("actors/x.hpp", "<caf/all.hpp>")

    def test_boost_process_and_cuda_stay_in_the_sandbox(self):
        for path in ("io/x.hpp", "actors/x.hpp", "tools/node/x.hpp", "tests/io/x.hpp"):
            with self.subTest(path):
                self.expect(path, "<boost/process.hpp>")
                self.expect(path, "<cuda_runtime.h>")
        self.assertEqual(breaches({"tools/examples/x.hpp": "#pragma once\n#include <cuda_runtime.h>\n"}), [])

    def test_archives_and_hashing_stay_in_io(self):
        for header in ("archive.h", "archive_entry.h", "xxhash.h"):
            for path in ("sandbox/x.hpp", "actors/x.hpp", "tools/node/x.hpp"):
                with self.subTest(header + " in " + path):
                    self.expect(path, f"<{header}>")

    def test_one_spelling_of_an_include(self):
        self.expect("io/x.hpp", '"journal.hpp"')
        self.expect("io/x.hpp", "<maze/io/journal.hpp>")


class Files(unittest.TestCase):
    def test_a_file_ends_at_400_lines(self):
        self.assertEqual(breaches({"io/x.hpp": "#pragma once\n" + "\n" * 399}), [])
        self.assertEqual(breaches({"io/x.hpp": "#pragma once\n" + "\n" * 400}), ["io/x.hpp: size"])

    def test_every_unit_has_a_test_of_its_name(self):
        self.assertEqual(breaches({"io/x.cpp": "\n"}), ["io/x.cpp: tested"])
        self.assertEqual(breaches({"sandbox/init/x.cpp": "\n"}), [])

    def test_a_header_starts_with_pragma_once(self):
        self.assertEqual(breaches({"io/x.hpp": "#include <map>\n#pragma once\n"}), ["io/x.hpp: headers"])
        self.assertEqual(breaches({"io/x.hpp": ""}), ["io/x.hpp: headers"])

    def test_the_own_header_comes_first(self):
        text = '#include <map>\n#include "maze/core/graph.hpp"\n'
        self.assertIn("core/graph.cpp: order", breaches({"core/graph.cpp": text}))
        tool = {"tools/node/x.hpp": "#pragma once\n", "tools/node/x.cpp": '#include "node/y.hpp"\n#include "node/x.hpp"\n'}
        self.assertEqual(breaches(tool), ["tools/node/x.cpp: order"])

    def test_std_comes_last(self):
        text = "#pragma once\n#include <vector>\n#include <fmt/format.h>\n"
        self.assertEqual(breaches({"io/x.hpp": text}), ["io/x.hpp: order"])

    def test_the_text_is_clean(self):
        for line in ("\tint x;\n", "int x; \n", "int x;\r\n", "int x;", "// TO" + "DO: later\n", "# FIX" + "ME\n"):
            with self.subTest(line):
                self.assertEqual(breaches({"io/x.hpp": "#pragma once\n" + line}), ["io/x.hpp: text"])

    def test_nested_lists_have_one_meaning(self):
        for text in ("auto x = list{list{1}};\n", "auto x = core::list{\n  core::list{1, 2}, 3};\n"):
            with self.subTest(text):
                self.assertEqual(breaches({"tests/io/x_test.cpp": text}), ["tests/io/x_test.cpp: braces"])
        self.assertEqual(breaches({"tests/io/x_test.cpp": "auto x = list{value(list{1}), dict{}};\n"}), [])

    def test_nothing_new_at_the_top_level(self):
        self.assertEqual(breaches({}, top=["src"]), ["src: folders"])
        self.assertEqual(breaches({}, top=["build", ".github", "README.md"]), [])

    def test_a_script_runs_and_parses(self):
        self.assertEqual(breaches({"tools/x": "#!/usr/bin/env bash\ntrue\n"}), ["tools/x: scripts"])
        self.assertEqual(breaches({"tools/x": "#!/usr/bin/env bash\nif\n"}, runnable=["tools/x"]), ["tools/x: scripts"])
        self.assertEqual(breaches({"tools/x": "#!/usr/bin/env bash\ntrue\n"}, runnable=["tools/x"]), [])


class Behaviour(unittest.TestCase):
    def test_core_never_reads_the_time(self):
        text = "#pragma once\nauto t = std::chrono::steady_clock::now();\n"
        self.assertEqual(breaches({"core/x.hpp": text}), ["core/x.hpp: purity"])
        self.assertEqual(breaches({"io/x.hpp": text}), [])

    def test_core_opens_no_file(self):
        text = '#pragma once\nauto* f = std::fopen("x", "r");\n'
        self.assertEqual(breaches({"core/x.hpp": text}), ["core/x.hpp: purity"])

    def test_actors_wait_with_a_limit(self):
        self.assertEqual(breaches({"actors/x.hpp": "#pragma once\nauto t = caf::infinite;\n"}), ["actors/x.hpp: purity"])

    def test_caf_names_stay_qualified(self):
        text = "#pragma once\nusing namespace caf;\n"
        self.assertEqual(breaches({"tools/node/x.hpp": text}), ["tools/node/x.hpp: purity"])

    def test_tests_do_not_sleep(self):
        for nap in ("std::this_thread::sleep_for(1ms);", "usleep(3);", "::sleep(1);", "  sleep(1);", "time.sleep(1)"):
            with self.subTest(nap):
                self.assertEqual(breaches({"tests/io/x_test.cpp": nap + "\n"}), ["tests/io/x_test.cpp: honest-tests"])
        self.assertEqual(breaches({"tests/io/x_test.cpp": 'run({"/bin/sleep", "60"});\n'}), [])
        self.assertEqual(breaches({"tests/bench/x_bench.cpp": "usleep(3);\n"}), [])

    def test_tests_are_neither_hidden_nor_allowed_to_fail(self):
        for tag in ("[.]", "[.slow]", "[!mayfail]", "[!shouldfail]"):
            with self.subTest(tag):
                text = f'TEST_CASE("x", "[io]{tag}") {{\n'
                self.assertEqual(breaches({"tests/io/x_test.cpp": text}), ["tests/io/x_test.cpp: honest-tests"])


class CommandLine(unittest.TestCase):
    def run_on(self, files, what):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return subprocess.run([sys.executable, "-B", check_tidy.__file__, what, "--root", folder],
                                  capture_output=True, text=True, check=False)

    def test_a_breach_ends_with_1_and_names_its_place(self):
        run = self.run_on({**CLEAN, "core/x.hpp": "#pragma once\n#include <caf/actor.hpp>\n"}, "rules")
        self.assertEqual(run.returncode, 1)
        self.assertIn("core/x.hpp:2: layers: CAF is not for core", run.stdout)

    def test_a_clean_tree_ends_with_0(self):
        run = self.run_on(CLEAN, "rules")
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)

    @unittest.skipUnless(check_tidy.shutil.which("clang-format-14"), "needs clang-format-14")
    def test_an_unformatted_file_is_named(self):
        run = self.run_on({"io/x.hpp": "#pragma once\nint   x;\n"}, "format")
        self.assertEqual(run.returncode, 1)
        self.assertIn("io/x.hpp: not formatted", run.stdout)


if __name__ == "__main__":
    unittest.main()
