#!/usr/bin/env python3
"""Runs tools/examples/words/words.yaml over a few small files: functions in C++ and in Python, and a command.

MAZE_BIN_DIR names the folder of maze-node; lib/libwords.so lies beside it.
"""
import collections
import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["MAZE_BIN_DIR"]).resolve()
TEXTS = {"a/1.gz": "Maze runs tasks; tasks run in a maze.", "a/2.gz": "a task", "b/3.gz": "", "b/4.gz": "unended-word",
         "c/plain.gz": "what gzip has not packed\n", "c/other.txt": "not counted"}


class Words(unittest.TestCase):
    def setUp(self):
        room = tempfile.TemporaryDirectory(prefix="maze-words-")
        self.addCleanup(room.cleanup)
        self.room = pathlib.Path(room.name)
        # The tasks of a node that is root run as other users, who have to get through.
        self.room.chmod(0o755)
        self.counts = collections.Counter()
        for name, text in TEXTS.items():
            path = self.room / "doc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            plain = name.startswith("c/")
            path.write_bytes(text.encode() if plain else gzip.compress(text.encode()))
            if name.endswith(".gz"):
                self.counts.update(re.findall("[a-z]+", text.lower()))
        example = ROOT / "tools/examples/words"
        workflow = (example / "words.yaml").read_text(encoding="utf-8")
        for old, new in (("from: /usr/share/doc", f"from: {self.room}/doc"),
                         ("../../../build/dev/lib/libwords.so", f"{BIN.parent}/lib/libwords.so")):
            self.assertIn(old, workflow)
            workflow = workflow.replace(old, new)
        (self.room / "words.yaml").write_text(workflow, encoding="utf-8")
        (self.room / "plot.py").write_bytes((example / "plot.py").read_bytes())

    def node(self, *words):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.room), "XDG_RUNTIME_DIR": str(self.room)}
        return subprocess.run([BIN / "maze-node", *words], cwd=self.room, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)

    def test_it_is_sound(self):
        done = self.node("validate", "words.yaml")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def test_what_library_and_plot_offer_is_listed_and_a_broken_one_hides_nothing(self):
        plugins = self.room / "plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / "libwords.so").write_bytes((BIN.parent / "lib/libwords.so").read_bytes())
        (plugins / "plot.py").write_bytes((self.room / "plot.py").read_bytes())
        (plugins / "libbroken.so").write_bytes(b"no machine code")
        done = self.node("functions", "plugins")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"words\.count +\(")
        self.assertRegex(done.stdout, r"plot\.py:draw +\(")
        self.assertIn("library 'broken' cannot be used", done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        done = self.node("functions", "plugins", "words.count", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        library, = json.loads(done.stdout)["libraries"]
        self.assertEqual([one["function"] for one in library["functions"]], ["count"])
        done = self.node("functions", "plugins", "cuont")
        self.assertEqual(done.returncode, 2)
        self.assertIn("count", done.stderr)
        for path in ("none", "plugins/libbroken.so"):
            self.assertEqual(self.node("functions", path).returncode, 2)
        # The same folder as the libraries of a workflow: what is broken there is of no account.
        workflow = (self.room / "words.yaml").read_text(encoding="utf-8")
        start = workflow.index("libraries:")
        end = workflow.index("\n", start)
        text = workflow[:start] + "libraries: plugins" + workflow[end:]
        (self.room / "folder.yaml").write_text(text, encoding="utf-8")
        done = self.node("run", "folder.yaml", "--dir", "state", "--out", "out", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_table_chart_and_report_come_home_from_here_and_from_worker_nodes(self):
        for more in ([], ["--workers", "2"]):
            out = self.room / f"out{len(more)}"
            done = self.node("run", "words.yaml", "--dir", "state", "--out", out, "--output", "json", *more)
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
            report = json.loads(done.stdout)
            self.assertEqual(sorted(report["files"]), ["report.md", "words.svg", "words.tsv.zst"])
            rows = sorted(self.counts.items(), key=lambda row: (-row[1], row[0]))
            table = subprocess.run(["zstd", "-dqc", out / "words.tsv.zst"], capture_output=True, text=True, check=True)
            self.assertEqual(table.stdout, "".join(f"{times}\t{word}\n" for word, times in rows))
            total = sum(self.counts.values())
            self.assertTrue(report["result"].startswith(f"{total} words, {len(rows)} different ones"), report["result"])
            shown = [one.text for one in xml.parse(out / "words.svg").iter("{http://www.w3.org/2000/svg}text")]
            for word in self.counts:
                self.assertIn(word, shown)
            self.assertIn("| 1 | a | 2 |", (out / "report.md").read_text(encoding="utf-8"))

    def test_a_broken_file_is_named(self):
        whole = (self.room / "doc/a/1.gz").read_bytes()
        for broken, why in ((whole[:-12], "unexpected end of file"), (whole[:14] + b"\xff" * 8 + whole[22:], "")):
            (self.room / "doc/a/1.gz").write_bytes(broken)
            done = self.node("run", "words.yaml", "--dir", "state", "--out", "out", "--output", "json")
            self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
            error = json.loads(done.stdout)["failed"][0]["error"]
            self.assertEqual(error["class"], "user_exception")
            self.assertTrue(error["message"].startswith("std::runtime_error: in/a/1.gz: " + why), error["message"])


if __name__ == "__main__":
    unittest.main()
