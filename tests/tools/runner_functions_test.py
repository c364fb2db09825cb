#!/usr/bin/env python3
"""Which function the runner takes from files, code and pickles, how it calls it, and what its failures say."""
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
from runner_driver import Error, Stream, calls, define, once  # noqa: E402


def dedent(code: str) -> str:
    return textwrap.dedent(code).lstrip("\n")


class Functions(unittest.TestCase):
    """All cases share one warm runner, in a folder of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.runner = cls.enterClassContext(Stream(folder=cls.folder.name))
        cls.number = 0

    def ask(self, code: str, args: Any, **more: str) -> tuple[Any, Error | None]:
        """What a function that comes as code, or otherwise, answers; a new function each time."""
        type(self).number += 1
        self.runner.send(define(self.number, dedent(code), **more))
        reply = self.runner.ask(args, self.number)
        return reply.value, reply.error

    def value(self, code: str, args: Any, **more: str) -> Any:
        value, error = self.ask(code, args, **more)
        self.assertIsNone(error)
        return value

    def error(self, code: str, args: Any, **more: str) -> Error:
        value, error = self.ask(code, args, **more)
        self.assertIsNotNone(error, f"it returned {value!r}")
        return error

    def file(self, name: str, code: str) -> str:
        path = pathlib.Path(self.folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(code), encoding="utf-8")
        return name

    def test_an_entry_may_lead_into_a_class(self):
        code = """
            class Shapes:
                @staticmethod
                def area(a, b): return a * b
                class Inner:
                    @classmethod
                    def name(cls): return cls.__name__
            """
        self.assertEqual(self.value(code, [2, 3], entry="Shapes.area"), 6)
        self.assertEqual(self.value(code, [], entry="Shapes.Inner.name"), "Inner")
        for entry in ("Shapes.none", "None.x", "Shapes.area.x"):
            self.assertIn(f"'{entry}'", self.error(code + "def f(): pass", [], entry=entry).message)

    def test_a_function_is_found_whatever_decorators_made_of_it(self):
        self.assertEqual(self.value("""
            import functools
            @functools.lru_cache
            def f(x): return x + 1
            """, [1]), 2)
        # The decorator of another module, which leaves no trace of what it got.
        self.assertEqual(self.value("""
            import types
            other = types.ModuleType("other")
            exec('def logged(f): return lambda *args: f(*args) * 2', other.__dict__)
            @other.logged
            def g(x): return x
            """, [4]), 8)
        self.assertIn("'a', 'b'", self.error("""
            import functools
            @functools.lru_cache
            def a(): pass
            @functools.lru_cache
            def b(): pass
            class C: pass
            """, []).message)

    def test_the_only_public_function_is_meant(self):
        code = """
            from os.path import join
            def _helper(): return 1
            def parse(): return _helper() + 1
        """
        self.assertEqual(self.value(code, {}), 2)
        self.assertEqual(self.value("def a(): return 1\ndef main(): return 2", {}), 2)
        self.assertEqual(self.value("def a(): return 1\ndef b(): return 2", {}, entry="b"), 2)
        self.assertEqual(self.value("def _a(): return 1", {}, entry="_a"), 1)
        self.assertEqual(self.value("twice = lambda x: 2 * x", [4]), 8)
        self.assertEqual(self.value("class A:\n    @staticmethod\n    def f(): return 1\ndef g(): return A.f()", {}), 1)

    def test_no_or_several_functions_are_an_error(self):
        for code in ("", "x = 1", "import os\nfrom os.path import join"):
            error = self.error(code, {})
            self.assertEqual((error.code, error.message), ("invalid_payload", "No function definition found"))
        error = self.error("def a(): pass\ndef b(): pass\ndef _c(): pass", {})
        self.assertEqual(error.code, "invalid_payload")
        self.assertIn("it is not clear which function is meant: 'a', 'b';", error.message)
        error = self.error("def a(): pass", {}, entry="b")
        self.assertEqual(error.message, "there is no function 'b'; there are 'a'")

    def test_tasks_are_marked_by_the_module_maze(self):
        code = """
            from maze import task
            @task
            def plain(x): return x
            @task(name="parse it", description="d", input_parameters={"a": "int"}, output_parameters={"r": "dict"},
                  resources={"cpus": 2})
            def parse(a):
                'Documented.'
                return [plain(a), parse.__maze_task__, plain.__maze_task__["name"]]
        """
        meta = {"name": "parse it", "description": "d", "input_parameters": {"a": "int"},
                "output_parameters": {"r": "dict"}, "resources": {"cpus": 2}}
        self.assertEqual(self.value(code, {"a": 3}, entry="parse it"), [3, meta, "plain"])
        self.assertEqual(self.value(code, {"a": 3}, entry="parse"), [3, meta, "plain"])
        for name in ('""', '"  "', "3"):
            error = self.error(f"import maze\n@maze.task(name={name})\ndef a(): return 1", {})
            self.assertEqual(error.code, "user_exception")
            self.assertIn("a name is text that is not empty", error.message)
        code = """
            import maze
            @maze.task(name="same")
            def a(): return 1
            @maze.task(name="same")
            def b(): return 2
        """
        self.assertEqual(self.value(code, {}, entry="same"), 2)
        self.assertIn("there are two tasks named 'same', the later counts\n", self.runner.out(1))

    def test_arguments_are_bound_by_name_and_position(self):
        for code, args, result in (
                ("def f(a, b=2): return [a, b]", {"a": 1}, [1, 2]), ("def f(a, b=2): return [a, b]", [1, 3], [1, 3]),
                ("def f(a, *, b): return [a, b]", {"a": 1, "b": 2}, [1, 2]),
                ("def f(a, /, b): return [a, b]", {"a": 1, "b": 2}, [1, 2]),
                ("def f(a=1, b=2, /): return [a, b]", {"a": 5}, [5, 2]), ("def f(a, /, **k): return [a, k]", {"a": 1, "c": 2}, [1, {"c": 2}]),
                ("def f(*args): return args", [1, 2], [1, 2]), ("def f(**k): return k", {"x": 1}, {"x": 1}),
                ("def f(a, **k): return [a, k]", {"a": 1, "b": 2}, [1, {"b": 2}]), ("def f(): return None", [], None),
                ("def f(params): return params", {"x": 1, "y": 2}, {"x": 1, "y": 2}),
                ("def f(params): return params", {"params": 1}, 1), ("def f(params): return params", {}, {}),
                ("def f(*, params): return params", {"x": 1}, {"x": 1}),
                ("def f(all: dict): return all", {"x": 1}, {"x": 1}), ("def f(all: 'dict[str, int]', /): return all", {"x": 1}, {"x": 1}),
                ("import typing\ndef f(all: typing.Mapping[str, int]): return all", {"x": 1}, {"x": 1}),
                ("def f(all: dict): return all", {"all": {"x": 1}}, {"x": 1}),
                ("import functools\ndef g(a, b): return [a, b]\nf = functools.partial(g, 1)", {"b": 2}, [1, 2])):
            with self.subTest(code, args=args):
                self.assertEqual(self.value(code, args, entry="f"), result)

    def test_arguments_that_do_not_fit_are_named(self):
        for code, args, why in (
                ("def f(a, b): pass", {"a": 1}, "parameter 'b' has no value and no default; f takes 'a', 'b'"),
                ("def f(a, b, *, c): pass", [1], "parameters 'b', 'c' have no value and no default; f takes 'a', 'b', 'c'"),
                ("def f(a=1): pass", {"x": 1, "y": 2}, "there is no parameter 'x', 'y'; f takes 'a'"),
                ("def f(a, b): pass", {"a": 1, "x": 1}, "parameter 'b' has no value and no default, and there is no "
                 "parameter 'x'; f takes 'a', 'b'"),
                ("def f(items): pass", {"item": 1}, "parameter 'items' has no value and no default, and there is no parameter "
                 "'item'; f takes 'items'"),
                ("def f(x: int): pass", {}, "parameter 'x' has no value and no default; f takes 'x'"),
                ("def f(): pass", [1, 2], "2 arguments by position are more than 0; f takes none"),
                ("def f(a=1, b=2, /): pass", {"b": 1}, "parameter 'a' needs a value, as 'b' has one; f takes 'a', 'b'"),
                ("def f(): pass", 5, "arguments are a list or a dictionary")):
            with self.subTest(code, args=args):
                self.assertEqual(self.error(code, args), Error("invalid_payload", why, "f", ""))

    def test_decorated_functions_keep_their_parameters(self):
        code = """
            import functools
            def logged(f):
                @functools.wraps(f)
                def inner(*args, **named): return [f.__name__, f(*args, **named)]
                return inner
            def _drop(f): return f
            @logged
            def add(a, b): return a + b
        """
        self.assertEqual(self.value(code, {"a": 1, "b": 2}, entry="add"), ["add", 3])
        self.assertIn("parameter 'b' has no value", self.error(code, {"a": 1}, entry="add").message)

    def test_coroutines_are_run(self):
        code = """
            import asyncio
            async def twice(x):
                await asyncio.sleep(0)
                return 2 * x
            async def fails(x):
                raise KeyError(x)
        """
        self.assertEqual(self.value(code, {"x": 2}, entry="twice"), 4)
        error = self.error(code, {"x": 2}, entry="fails")
        self.assertEqual((error.code, error.message, error.origin), ("user_exception", "KeyError: 2", "fails"))
        self.assertNotIn("asyncio", error.evidence)

    def test_exceptions_tell_what_where_and_how(self):
        code = "class Broken(Exception): pass\ndef inner(x):\n    raise Broken('no ' + x)\ndef main(x):\n    inner(x)\n"
        error = self.error(code, {"x": "way"}, name="count")
        self.assertEqual((error.code, error.message, error.origin), ("user_exception", "Broken: no way", "main"))
        quoted = [line for line in error.evidence.splitlines() if not line.lstrip().startswith(("^", "~"))]
        self.assertEqual(quoted[:5], [
            "Traceback (most recent call last):", '  File "<count>", line 5, in main', "    inner(x)",
            '  File "<count>", line 3, in inner', "    raise Broken('no ' + x)"])
        self.assertTrue(error.evidence.endswith("Broken: no way"))
        self.assertEqual(self.error("def f(): raise ValueError", {}).message, "ValueError")
        code = "class Mute(Exception):\n    def __str__(self): return 1/0\ndef f(): raise Mute\n"
        self.assertIn("Mute: <what it says cannot be told", self.error(code, {}).message)
        self.assertIn("ExceptionGroup: both (2 sub-exceptions)",
                      self.error("def f(): raise ExceptionGroup('both', [ValueError(1), KeyError(2)])", {}).message)
        self.assertEqual(self.error("def f(): raise GeneratorExit('x')", {}).message, "GeneratorExit: x")
        self.assertEqual(self.error("def f(): raise ValueError('\\ud800')", {}).message, "ValueError: \\ud800")

    def test_endless_recursion_is_an_exception(self):
        error = self.error("def f(n=0): return f(n + 1)", {})
        self.assertIn("RecursionError: maximum recursion depth exceeded", error.message)
        self.assertIn("Previous line repeated", error.evidence)
        self.assertEqual(self.runner.ask({}, self.number).error.code, "user_exception")

    def test_long_texts_keep_head_and_tail(self):
        error = self.error("def f(): raise ValueError('é' * 100000 + 'end')", {})
        for text in (error.message, error.evidence):
            self.assertLessEqual(len(text.encode()), 16384)
            self.assertIn("bytes left out", text)
            self.assertTrue(text.endswith("end"))
        self.assertTrue(error.message.startswith("ValueError: éé"))
        self.assertTrue(error.evidence.startswith("Traceback"))

    def test_code_that_cannot_be_loaded_fails_each_call(self):
        error = self.error("def f(:\n", {}, name="odd")
        self.assertEqual(error.code, "invalid_payload")
        self.assertIn("SyntaxError: invalid syntax (<odd>, line 1)", error.message)
        self.assertIn("def f(:", error.evidence)
        self.assertEqual(self.runner.ask({}, self.number).error, error)
        error = self.error("print('once')\n1 / 0\ndef f(): pass\n", {}, name="early")
        self.assertEqual((error.code, error.message, error.origin),
                         ("user_exception", "ZeroDivisionError: division by zero", "<early>"))
        self.assertIn('File "<early>", line 2, in <module>\n    1 / 0', error.evidence)
        self.assertEqual(self.runner.ask({}, self.number).error, error)
        self.assertEqual(self.runner.out().count("once\n"), 1)
        self.assertIn("there is no source 'web'", self.error("", {}, source="web").message)

    def test_files_import_their_neighbours(self):
        self.file("lib/near.py", "def three(): return 3\n")
        self.file("lib/tool.py", "import near, far\ndef f(x): return [near.three() + far.one(), x, __name__]\n")
        self.file("far.py", "def one(): return 1\n")
        self.assertEqual(self.value("lib/tool.py", {"x": 1}, source="file"), [4, 1, "tool"])
        self.file("json.py", "def f(): return __name__")
        self.assertRegex(self.value("json.py", {}, source="file"), r"json_\d+")
        error = self.error("missing.py", {}, source="file")
        self.assertEqual((error.code, error.message),
                         ("invalid_payload", "the file 'missing.py' cannot be read: No such file or directory"))
        self.file("wrong.py", "x = 1\ndef f(\n")
        error = self.error("wrong.py", {}, source="file")
        self.assertIn("(wrong.py, line 2)", error.message)
        self.file("late.py", "import os\ndef f():\n    os.chdir('/')\n    raise ValueError('here')\n")
        error = self.error("late.py", {}, source="file")
        self.assertIn('File "late.py", line 4, in f\n    raise ValueError(\'here\')', error.evidence)
        self.value("import os\ndef f(to): os.chdir(to)", {"to": self.folder.name})
        self.file("main.py", "if __name__ == '__main__':\n    raise ValueError\ndef f(): return __file__")
        self.assertEqual(self.value("main.py", {}, source="file"), os.path.realpath(f"{self.folder.name}/main.py"))
        self.assertEqual(list(pathlib.Path(self.folder.name).rglob("__pycache__")), [])

    def test_a_neighbour_that_did_not_come_along_is_named(self):
        error = self.error("import numbers_of_mine.primes\ndef f(): return 1", {})
        self.assertEqual(error.code, "user_exception")
        self.assertEqual(error.message, "ModuleNotFoundError: No module named 'numbers_of_mine'; if numbers_of_mine.py is "
                         "a file of yours, add it to the workflow's `files`, else install 'numbers_of_mine' on every node")

    def test_dataclasses_of_the_code_itself_work(self):
        code = """
            from __future__ import annotations
            from dataclasses import dataclass
            @dataclass
            class Point:
                x: int
            def f(): return {"p": Point(3)}
        """
        self.assertEqual(self.value(code, {}), {"p": {"x": 3}})

    def test_each_definition_has_variables_of_its_own(self):
        code = "count = 0\ndef f():\n    global count\n    count += 1\n    return count\n"
        self.assertEqual(self.value(code, {}), 1)
        self.assertEqual(self.runner.ask({}, self.number).value, 2)
        self.assertEqual(self.value(code, {}), 1)

    def test_results_that_are_no_values_name_the_place(self):
        error = self.error("def f(): return {'a': [0, {1}]}", {})
        self.assertEqual((error.code, error.origin), ("invalid_payload", "f"))
        self.assertIn("result['a'][1]: set is no type that a task can return", error.message)
        self.assertIn("generator is no type", self.error("def f(): yield 1", {}).message)
        code = "class D(dict):\n    def items(self): raise ValueError('closed')\ndef f(): return D()\n"
        self.assertIn("result: reading it failed: ValueError: closed", self.error(code, {}).message)
        self.assertEqual(self.error("def f():\n    x = []\n    x.append(x)\n    return x", {}).code, "limit_exceeded")

    def pickled(self, x: Any) -> str:
        return base64.b64encode(pickle.dumps(x)).decode()

    def test_pickled_functions_are_called(self):
        self.assertEqual(self.value(self.pickled(max), [[1, 3, 2]], source="pickle"), 3)
        error = self.error(self.pickled(5), [], source="pickle")
        self.assertEqual(error.message, "what was pickled is no function, but int")
        error = self.error("AAAA", [], source="pickle")
        self.assertEqual(error.code, "invalid_payload")
        self.assertIn("the pickled function cannot be read: ", error.message)
        error = self.error(self.pickled(dedent), [], source="pickle")
        self.assertIn("pickle keeps only the name of a function: use cloudpickle", error.message)

    def test_a_missing_package_of_a_pickle_is_named(self):
        data = base64.b64encode(b"cno_such_package.cloud\nf\n.").decode()
        error = self.error(data, [], source="pickle")
        self.assertEqual(error.code, "unsupported_operation")
        self.assertIn("needs the Python package 'no_such_package'", error.message)

    def test_cloudpickled_functions_bring_their_code(self):
        try:
            import cloudpickle
        except ModuleNotFoundError:
            print("SKIPPED: cloudpickle is not installed")
            return
        offset = 10
        data = base64.b64encode(cloudpickle.dumps(lambda x: x + offset)).decode()
        self.assertEqual(self.value(data, {"x": 1}, source="pickle"), 11)

    def test_definitions_that_cannot_be_read_fail_their_calls(self):
        reply = self.runner.ask({}, 9999)
        self.assertIn("there is no function 9999", reply.error.message)
        _, replies = once(define(1, "def f(): return 1", name=""), calls((1, 1, []), (2, 2, [])))
        self.assertEqual([reply.value for reply in replies], [1, None])


if __name__ == "__main__":
    unittest.main()
