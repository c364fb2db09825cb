#!/usr/bin/env python3
"""Calls in copies of the runner, and which modules functions may import."""
import base64
import os
import pathlib
import pickle
import sys
import tempfile
import textwrap
import unittest
from typing import Any

ROOT = pathlib.Path(os.environ.get("MAZE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "tests/support"))
from runner_driver import Stream, define  # noqa: E402


def dedent(code: str) -> str:
    return textwrap.dedent(code).lstrip("\n")


class Forked(unittest.TestCase):
    """Calls in copies of a runner, one each."""

    def setUp(self) -> None:
        self.runner = self.enterContext(Stream("--fork"))
        self.number = 0

    def ask(self, code: str, args: Any) -> Any:
        self.number += 1
        self.runner.send(define(self.number, dedent(code)))
        return self.runner.ask(args, self.number)

    def test_calls_leave_nothing_in_memory_for_each_other(self):
        self.runner.send(define(1, "import os\nseen = []\ndef f(x):\n    seen.append(x)\n    return [seen, os.getpid()]\n"))
        first, second = (self.runner.ask([x], 1).value for x in (1, 2))
        self.assertEqual([first[0], second[0]], [[1], [2]])
        self.assertNotEqual(first[1], second[1])

    def test_whatever_ends_a_call_ends_that_call_alone(self):
        for code, error, said in (("import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGSEGV)", "signalled", "signal 11"),
                                  ("import os\ndef f(): os._exit(3)", "exit_nonzero", "exit status 3"),
                                  ("import sys\ndef f(): sys.exit(4)", "exit_nonzero", "exit status 4"),
                                  ("def f(): raise KeyboardInterrupt", "signalled", "signal 2"),
                                  ("def f(): raise ValueError('no')", "user_exception", "ValueError: no"),
                                  ("def f(:", "invalid_payload", "SyntaxError")):
            with self.subTest(code):
                told = self.ask(code, []).error
                self.assertEqual(told.code, error)
                self.assertIn(said, told.message)
                self.assertEqual(self.ask("def f(): return 1", []).value, 1)

    def test_what_a_call_started_is_gone_when_it_is_answered(self):
        pid = self.ask("""
            import os, signal
            def f():
                pid = os.fork()
                if pid == 0:
                    os.setsid()
                    signal.pause()
                    os._exit(0)
                return pid
            """, []).value
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_descriptors_are_the_functions_own(self):
        for code in ("import os\ndef f():\n    os.closerange(3, 256)\n    return 1",
                     "import os\ndef f():\n    os.dup2(1, 5)\n    return 1"):
            self.assertEqual(self.ask(code, []).value, 1)

    def test_who_is_killed_under_a_limit_of_memory_had_too_much(self):
        with Stream("--fork", "--memory-limited") as runner:
            runner.send(define(1, "import os\ndef f(): os.kill(os.getpid(), 9)"))
            self.assertEqual(runner.ask([], 1).error.code, "oom_killed")

    def test_large_results_and_prints_arrive(self):
        self.assertEqual(len(self.ask("def f(n):\n    print('hello')\n    return b'x' * n", [5_000_000]).value), 5_000_000)

    def test_chance_is_another_one_in_each_call(self):
        self.runner.send(define(1, "import random\ndef f(): return random.random()"))
        self.assertNotEqual(self.runner.ask([], 1).value, self.runner.ask([], 1).value)


class Imports(unittest.TestCase):
    """Each case has a runner of its own: what may be imported holds for a process."""

    def ask(self, code: str, allowed: str, args: Any = None, files: dict[str, str] | None = None, **more: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (files or {}).items():
                pathlib.Path(folder, name).write_text(dedent(content), encoding="utf-8")
            with Stream(folder=folder) as runner:
                runner.send(define(1, dedent(code), imports=allowed, **more))
                return runner.ask([] if args is None else args, 1)

    def test_what_is_listed_can_be_imported_and_imports_what_it_needs(self):
        reply = self.ask("""
            import json, statistics
            from collections.abc import Mapping
            from maze import task
            def f(): return [json.dumps([1]), statistics.mean([1, 3]), Mapping.__name__]
            """, "json,statistics,collections")
        self.assertEqual(reply.value, ["[1]", 2, "Mapping"])

    def test_what_allowed_modules_import_is_theirs(self):
        self.assertEqual(self.ask("""
            import datetime
            def f(): return datetime.datetime.strptime("2020", "%Y").year
            """, "datetime").value, 2020)
        self.assertEqual(self.ask("def f(): return 'é'.encode('cp1252')", "").value, b"\xe9")
        self.assertEqual(self.ask("""
            import socket
            def f():
                a, b = socket.socketpair()
                return "x.test".encode("idna")
            """, "socket").value, b"x.test")

    def test_anything_else_is_an_error_that_names_it(self):
        for code in ("import socket\ndef f(): pass", "def f(): import socket", "from os import path\ndef f(): pass",
                     "def f(): return __import__('os')", "def f(): exec('import os')"):
            with self.subTest(code):
                error = self.ask(code, "json,math").error
                self.assertIsNotNone(error)
                self.assertIn("ImportError", error.message)
                self.assertIn("add it to `imports` (json, math)", error.message)
                self.assertNotIn("maze_runner", error.evidence)

    def test_an_empty_list_allows_nothing(self):
        self.assertIn("`imports` (none)", self.ask("import math\ndef f(): pass", "").error.message)
        self.assertEqual(self.ask("def f(): return sorted([2, 1])", "").value, [1, 2])

    def test_modules_of_the_user_are_listed_and_bound_as_well(self):
        files = {"own.py": "import socket\nX = 1", "fine.py": "import math\nX = math.floor(1.5)"}
        code = "import {0}\ndef f(): return {0}.X"
        self.assertEqual(self.ask("import sys\nsys.path.insert(0, '.')\n" + code.format("fine"), "sys,fine,math",
                                  files=files).value, 1)
        self.assertIn("'socket'", self.ask("import sys\nsys.path.insert(0, '.')\n" + code.format("own"),
                                           "sys,own", files=files).error.message)

    def test_a_pickle_names_only_what_is_listed(self):
        text = base64.b64encode(pickle.dumps(os.path.join)).decode()
        self.assertIn("'posixpath'", self.ask(text, "json", source="pickle").error.message)
        self.assertEqual(self.ask(text, "posixpath", ["a", "b"], source="pickle").value, "a/b")

    def test_what_the_runner_needs_itself_is_not_asked_for(self):
        self.assertEqual(self.ask("async def f(): return 3", "").value, 3)


if __name__ == "__main__":
    unittest.main()
