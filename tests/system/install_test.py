#!/usr/bin/env python3
"""Installs a build into a scratch folder, moves it away, runs a workflow and builds a task library with what lies there.

The build is the parent of the folder that MAZE_BIN_DIR names; maze-node, maze-host, maze-init and maze_task_library
are built.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["MAZE_BIN_DIR"]).resolve().parent

WORKFLOW = """\
maze: 1
name: words
files:
  - { from: in, match: "*.txt", to: in/ }
defaults:
  output: { run: dict }
tasks:
  count-1: { shell: "tr ' ' '\\n' < in/1.txt > 1.list" }
  count-2: { shell: "tr ' ' '\\n' < in/2.txt > 2.list" }
  merge:
    after: [count-1, count-2]
    shell: cat *.list | LC_ALL=C sort | uniq -c | LC_ALL=C sort -rn > words.txt
  top: { after: [merge], command: [head, -n, 1, words.txt] }
collect: [words.txt]
result: top.output.run.stdout
"""


class Installation(unittest.TestCase):
    def setUp(self):
        room = tempfile.TemporaryDirectory(prefix="maze-install-")
        self.addCleanup(room.cleanup)
        self.room = pathlib.Path(room.name)
        # The tasks of a node that is root run as other users, who have to get through.
        self.room.chmod(0o755)
        self.stage = self.room / "moved here"
        first = self.room / "first"
        environment = {k: v for k, v in os.environ.items() if k != "DESTDIR"}
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", first], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        first.rename(self.stage)

    def run_there(self, program, workflow, work):
        """Runs a workflow with nothing of this process's environment that could lead back to the build."""
        return subprocess.run(
            [program, "run", workflow, "--dir", self.room / "state", "--out", "out", "--output", "json",
             "--progress", "never"], cwd=work, env={"PATH": "/usr/bin:/bin", "HOME": str(self.room)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def run_workflow(self, program):
        work = self.room / "work"
        (work / "in").mkdir(parents=True)
        (work / "in/1.txt").write_text("b a b\n", encoding="utf-8")
        (work / "in/2.txt").write_text("c b\n", encoding="utf-8")
        (work / "words.yaml").write_text(WORKFLOW, encoding="utf-8")
        return self.run_there(program, "words.yaml", work)

    def test_it_holds_the_programs_and_the_schema(self):
        found = {path.relative_to(self.stage).as_posix() for path in self.stage.rglob("*") if not path.is_dir()}
        modules = {path for path in found if path.startswith("libexec/maze/maze_runner/")}
        self.assertIn("libexec/maze/maze_runner/start.py", modules)
        headers = {path for path in found if path.startswith("include/maze/core/")}
        self.assertIn("include/maze/core/task.hpp", headers)
        for path in headers:
            self.assertEqual((self.stage / path).read_bytes(), (ROOT / path.removeprefix("include/maze/")).read_bytes())
        package = {"lib/cmake/maze/" + name for name in (
            "maze-config.cmake", "maze-config-version.cmake", "task_library.cmake", "task_library.map")}
        libraries = {"lib/libmaze_core.a", "lib/libmaze_task_library.a"}
        self.assertEqual(found - modules - headers - package - libraries,
                         {"bin/maze-node", "libexec/maze/maze-host", "libexec/maze/maze-init", "libexec/maze/maze-enter", "libexec/maze/maze-image", "libexec/maze/runner.py",
                          "share/maze/workflow.schema.json"})
        for program in ("bin/maze-node", "libexec/maze/maze-host", "libexec/maze/maze-init", "libexec/maze/runner.py"):
            self.assertTrue(os.access(self.stage / program, os.X_OK), program)
        installed = json.loads((self.stage / "share/maze/workflow.schema.json").read_text(encoding="utf-8"))
        self.assertEqual(installed, json.loads((ROOT / "tools/schema/workflow.schema.json").read_text(encoding="utf-8")))

    def test_it_runs_a_workflow_after_a_move_and_through_a_link(self):
        link = self.room / "maze-node"
        link.symlink_to(self.stage / "bin/maze-node")
        done = self.run_workflow(link)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        report = json.loads(done.stdout)
        self.assertEqual((report["state"], report["result"].split()), ("completed", ["3", "b"]))
        words = (self.room / "work/out/words.txt").read_text(encoding="utf-8")
        self.assertEqual(sorted(words.split()), ["1", "1", "3", "a", "b", "c"])

    def test_the_readmes_task_library_is_built_and_called_with_it(self):
        work = self.room / "text"
        work.mkdir()
        blocks = re.findall(r"^```\w+\n(?://|#) (\S+)\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"),
                            re.DOTALL | re.MULTILINE)
        self.assertEqual([name for name, _ in blocks], ["text.cpp", "CMakeLists.txt", "hamlet.yaml"])
        for name, text in blocks:
            (work / name).write_text(text, encoding="utf-8")
        for step in (["-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={self.stage}"], ["--build", "build"]):
            done = subprocess.run(["cmake", *step], cwd=work, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=240, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
        done = self.run_there(self.stage / "bin/maze-node", "hamlet.yaml", work)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(json.loads(done.stdout)["result"], "be 2 times, to 2 times")

    def test_it_says_where_it_missed_a_part(self):
        shutil.rmtree(self.stage / "libexec")
        done = self.run_workflow(self.stage / "bin/maze-node")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(str(self.stage / "libexec/maze/maze-init"), done.stderr)


if __name__ == "__main__":
    unittest.main()
