#!/usr/bin/env python3
"""Installs a build into a scratch folder, moves it away, and runs a workflow with what lies there.

The build is the parent of the folder that MAZE_BIN_DIR names; maze-node, maze-host and maze-init are built.
"""
import json
import os
import pathlib
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

    def run_workflow(self, program):
        """Runs WORKFLOW with nothing of this process's environment that could lead back to the build."""
        work = self.room / "work"
        (work / "in").mkdir(parents=True)
        (work / "in/1.txt").write_text("b a b\n", encoding="utf-8")
        (work / "in/2.txt").write_text("c b\n", encoding="utf-8")
        (work / "words.yaml").write_text(WORKFLOW, encoding="utf-8")
        return subprocess.run(
            [program, "run", "words.yaml", "--dir", self.room / "state", "--out", "out", "--output", "json",
             "--progress", "never"], cwd=work, env={"PATH": "/usr/bin:/bin", "HOME": str(self.room)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def test_it_holds_the_programs_and_the_schema(self):
        found = {path.relative_to(self.stage).as_posix() for path in self.stage.rglob("*") if not path.is_dir()}
        modules = {path for path in found if path.startswith("libexec/maze/maze_runner/")}
        self.assertIn("libexec/maze/maze_runner/start.py", modules)
        self.assertEqual(found - modules, {"bin/maze-node", "libexec/maze/maze-host", "libexec/maze/maze-init",
                                           "libexec/maze/runner.py", "share/maze/workflow.schema.json"})
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

    def test_it_says_where_it_missed_a_part(self):
        shutil.rmtree(self.stage / "libexec")
        done = self.run_workflow(self.stage / "bin/maze-node")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(str(self.stage / "libexec/maze/maze-init"), done.stderr)


if __name__ == "__main__":
    unittest.main()
