#!/usr/bin/env python3
"""How the runner speaks with a node: streams cut anywhere, garbage, crashes, prints, forks, and single files."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("MAZE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "tests/support"))
from runner_driver import Runner, Stream, calls, define, error_of, frames, message, once  # noqa: E402

SAME = define(1, "def same(x): return x", name="same")
MIXED = define(2, """
import os, signal, sys
def main(what, to=0):
    if what == "exit":
        sys.exit(to)
    if what == "kill":
        os.kill(os.getpid(), to)
    if what == "quit":
        os._exit(to)
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "close":
        print("a line that nobody takes")
        os.closerange(to, 1000)
    return what
""", name="mixed")


class Streams(unittest.TestCase):
    def test_a_runner_introduces_itself(self):
        with Stream() as runner:
            (number, word, payload), = runner.ready.entries()
            self.assertEqual((number, word), (Stream.TOKEN, frames.PROTOCOL))
            self.assertTrue(payload.startswith(b"\x02\x01\x06python"))
            self.assertEqual(runner.end(), 0)
            self.assertEqual(runner.out() + runner.out(1), "")

    def test_a_runner_says_how_much_memory_it_has_in_use(self):
        with Stream() as runner:
            runner.send(define(1, "kept = []\ndef grow(n):\n    kept.append(bytes([7]) * n)\n    return len(kept)\n"))
            self.assertEqual(runner.ask([1]).value, 1)
            before = runner.memory()
            self.assertGreater(before, 1 << 20)
            for count in range(2, 200):
                # The count is brought up to date every few calls, not with each.
                self.assertEqual(runner.ask([1 << 20]).value, count)
                if runner.memory() > before + (20 << 20):
                    return
            self.fail(f"{before} bytes before, {runner.memory()} after 198 MiB more")

    def test_a_stream_may_be_cut_anywhere(self):
        data = SAME + calls((1, 1, {"x": "é"}), (2, 1, [2])) + calls((3, 1, {"x": None}))
        with Stream() as runner:
            for seed in range(50):
                cuts = sorted(random.Random(seed).sample(range(1, len(data)), 6))
                for begin, end in zip([0] + cuts, cuts + [len(data)]):
                    runner.send(data[begin:end])
                self.assertEqual([reply[:2] for reply in runner.replies(3)], [(1, "é"), (2, 2), (3, None)], f"seed = {seed}")
        with Stream() as runner:
            for byte in data:
                runner.send(bytes([byte]))
            self.assertEqual([reply.number for reply in runner.replies(3)], [1, 2, 3])

    def test_bytes_that_are_no_message_end_the_runner(self):
        entry = frames.ENTRY.pack(1, 1, 5)
        for data, why in (
                (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no message of calls"),
                (frames.HEADER.pack(frames.MAGIC, 9, 0, 0, 0, 0), "no message of calls"),
                (frames.HEADER.pack(frames.MAGIC, 4, 1, 0, 0, 0), "no message of calls"),
                (frames.HEADER.pack(frames.MAGIC, 4, 0, 2, 16, 0), "table"),
                (frames.HEADER.pack(frames.MAGIC, 4, 0, 2**32 - 1, 16, 0), "table"),
                (frames.HEADER.pack(frames.MAGIC, 4, 0, 0, 2**31, 0), "at most"),
                (frames.HEADER.pack(frames.MAGIC, 4, 0, 1, 20, 0) + entry + b"1234", "payloads"),
                (message(frames.REPLIES, (1, 0, b"\0")), "no use for a message of kind 5"),
                (message(frames.READY, (0, 1, b"")), "no use for a message of kind 1")):
            with self.subTest(data), Stream() as runner:
                runner.send(data)
                self.assertIsNone(runner.next())
                self.assertEqual(runner.wait(), 70)
                self.assertRegex(runner.out(1), f"^runner.py: .*{why}.*\n$")

    def test_a_stream_that_ends_early_is_an_end(self):
        with Stream() as runner:
            runner.send(SAME, calls((1, 1, [5])), calls((2, 1, [6]))[:-1])
            self.assertEqual(runner.end(), 0)
            self.assertEqual([reply.value for reply in runner.replies(9)], [5])

    def test_replies_of_many_calls_share_messages_and_keep_their_order(self):
        with Stream() as runner:
            count = 3000
            runner.send(SAME, calls(*((n, 1, {"x": n}) for n in range(count))))
            self.assertEqual([reply[:2] for reply in runner.replies(count)], [(n, n) for n in range(count)])
            self.assertLess(runner.messages, count / 4)
            self.assertGreater(runner.busy_ns, 0)
            self.assertEqual(runner.begun(), count)

    def test_a_reply_does_not_wait_for_the_next_call(self):
        with Stream() as runner:
            folder = self.enterContext(tempfile.TemporaryDirectory())
            fifo = folder + "/gate"
            os.mkfifo(fifo)
            code = "def wait(path):\n    with open(path) as gate: return gate.read()\n"
            runner.send(SAME, define(2, code))
            self.assertEqual(runner.ask([1]).value, 1)
            # Work of 500 us is not there, but nothing else comes either.
            runner.send(calls((1, 1, [1])))
            self.assertEqual(runner.replies(1)[0].value, 1)
            runner.send(calls((2, 2, [fifo])))
            with open(fifo, "w") as writer:
                runner.send(calls((3, 1, [3])))
                writer.write("open")
            self.assertEqual([reply.value for reply in runner.replies(2)], ["open", 3])

    def test_large_values_come_and_go(self):
        with Stream() as runner:
            runner.send(SAME)
            for x in ("é" * 2_000_000, b"\xff" * (8 << 20), list(range(10_000)), {"k": [None] * 1000}):
                self.assertEqual(runner.ask({"x": x}).value, x)

    def test_a_result_beyond_the_limit_is_an_error(self):
        with Stream("--result-max", "1000") as runner:
            runner.send(SAME)
            self.assertEqual(runner.ask(["x" * 900]).value, "x" * 900)
            error = runner.ask({"x": ["x" * 900, "y" * 100]}).error
            self.assertEqual((error.code, error.origin), ("limit_exceeded", "same"))
            self.assertIn("result[1]: the value takes more than 1000 bytes", error.message)
        with Stream() as runner:
            runner.send(define(1, "def f(): return 'x' * (65 << 20)"))
            self.assertEqual(runner.ask([]).error.code, "limit_exceeded")

    def test_arguments_that_are_no_value_fail_their_call_alone(self):
        with Stream() as runner:
            runner.send(SAME, message(frames.CALLS, (1, 1, b"\xff"), (2, 1, b"\x07\x01\x00")),
                        message(frames.DEFINE, (0, 3, b"\xff")), calls((3, 3, [])))
            bad, good, undefined = runner.replies(3)
            self.assertEqual((bad.error.code, good.value), ("invalid_payload", None))
            self.assertIn("the arguments cannot be read: value, byte 0", bad.error.message)
            self.assertIn("a function's definition cannot be read", undefined.error.message)
            runner.send(message(frames.DEFINE, (0, 4, b"\x08\x00")), calls((4, 4, [])))
            self.assertIn("a function's definition is a dictionary", runner.replies(1)[0].error.message)


class Ends(unittest.TestCase):
    def check(self, what: str, to: int, status: int) -> Runner:
        """The second call ends the runner: the first is answered or begun, the third has not begun."""
        with Stream() as runner:
            runner.send(SAME, MIXED, calls((1, 1, [1]), (2, 2, [what, to]), (3, 1, [3])))
            answered = runner.replies(3)
            self.assertEqual(runner.wait(), status)
            self.assertEqual(runner.begun(), 2)
            self.assertLessEqual(len(answered), 1)
            self.answered = answered
            return runner

    def test_an_exit_is_the_process_own(self):
        self.check("exit", 3, 3)
        self.assertEqual([reply.value for reply in self.answered], [1])
        self.check("exit", 0, 0)
        self.check("quit", 4, 4)

    def test_an_interrupt_is_a_signal(self):
        self.check("interrupt", 0, -signal.SIGINT)
        self.assertEqual([reply.value for reply in self.answered], [1])

    def test_a_crash_tells_which_calls_had_not_begun(self):
        self.check("kill", signal.SIGSEGV, -signal.SIGSEGV)
        self.check("kill", signal.SIGKILL, -signal.SIGKILL)

    def test_code_that_ends_while_it_is_loaded_ends_a_call_that_has_begun(self):
        with Stream() as runner:
            runner.send(SAME, define(2, "import sys\nsys.exit(9)\n"), calls((1, 1, [1]), (2, 2, []), (3, 1, [1])))
            self.assertEqual([reply.value for reply in runner.replies(3)], [1])
            self.assertEqual((runner.wait(), runner.begun()), (9, 2))

    def test_who_closes_all_descriptors_breaks_the_own_child(self):
        for lowest in (3, 0):
            with Stream() as runner:
                runner.send(MIXED, calls((1, 2, ["close", lowest])))
                self.assertIsNone(runner.next())
                self.assertEqual(runner.wait(), 70)

    def test_a_node_that_goes_away_ends_the_runner(self):
        with Stream() as runner:
            runner.send(SAME, calls(*((n, 1, {"x": "x" * 1000}) for n in range(2000))))
            runner.socket.close()
            self.assertEqual(runner.wait(), 0)


class Surroundings(unittest.TestCase):
    def value(self, code: str, args: list | dict) -> object:
        with Stream() as runner:
            runner.send(define(1, code))
            reply = runner.ask(args)
            self.assertIsNone(reply.error)
            self.printed = runner.out(), runner.out(1)
            return reply.value

    def test_prints_are_out_before_the_reply_and_corrupt_nothing(self):
        code = "import os, sys\ndef f():\n    print('hello', end='')\n    os.write(1, b'MZC1')\n    os.write(2, b'raw ')\n" \
            "    print('é\\ud800'.encode('utf-8', 'replace').decode(), file=sys.stderr, end='')\n    return 1\n"
        self.assertEqual(self.value(code, []), 1)
        self.assertEqual(self.printed, ("MZC1hello", "raw é?"))

    def test_closed_streams_are_no_fault(self):
        self.assertEqual(self.value("import sys\ndef f():\n    sys.stdout.close()\n    sys.stderr = None\n    return 1", []), 1)

    def test_standard_input_is_empty(self):
        self.assertEqual(self.value("import sys\ndef f(): return sys.stdin.read()", []), "")

    def test_programs_that_functions_start_inherit_nothing(self):
        code = "import subprocess\ndef f(): return subprocess.check_output(['ls', '/proc/self/fd'], close_fds=False, text=True)"
        # Whoever started the tests may have left some open.
        here = subprocess.check_output(["ls", "/proc/self/fd"], close_fds=False, text=True)
        self.assertLessEqual(set(self.value(code, []).split()), set(here.split()))

    def test_a_fork_that_comes_back_does_not_answer(self):
        code = "import os\ndef f(how):\n    child = os.fork()\n    if child == 0:\n        if how: raise SystemExit(5)\n" \
            "        return 'child'\n    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        self.assertEqual(self.value(code, [False]), 0)
        self.assertEqual(self.value(code, [True]), 5)
        _, replies = once(define(1, code), calls((1, 1, [False]), (2, 1, [True])))
        self.assertEqual([reply.value for reply in replies], [0, 5])

    def test_modules_of_the_runner_stand_in_nobodys_way(self):
        code = "import sys\ndef f(): return [sys.argv[1:], [p for p in sys.path if 'host' in p or p.endswith('bin')]]"
        self.assertEqual(self.value(code, []), [[], []])

    def test_what_a_function_changes_in_the_process_stays(self):
        with Stream() as runner:
            runner.send(define(1, "import os\ndef f(x):\n    os.environ['MAZE_X'] = x\n    os.chdir('/')"),
                        define(2, "import os\ndef g(): return [os.environ['MAZE_X'], os.getcwd()]"))
            runner.ask(["here"])
            self.assertEqual(runner.ask([], 2).value, ["here", "/"])


class Files(unittest.TestCase):
    def test_calls_of_one_file_are_answered_in_another(self):
        runner, replies = once(SAME, MIXED, calls((4, 1, [1]), (5, 1, []), (6, 2, {"what": "back"})))
        self.assertEqual(runner.wait(), 0)
        self.assertEqual([(reply.number, reply.value) for reply in replies], [(4, 1), (5, None), (6, "back")])
        self.assertEqual(replies[1].error.code, "invalid_payload")

    def test_a_wrong_definition_fails_its_calls(self):
        runner, replies = once(define(1, "x = 1"), SAME, calls((1, 1, [1])))
        self.assertEqual((runner.wait(), replies[0].value), (0, 1))
        runner, replies = once(define(1, "x = 1"), calls((1, 1, [1])))
        self.assertEqual((runner.wait(), replies[0].error.message), (0, "No function definition found"))

    def test_a_file_that_is_no_message_is_refused(self):
        for data in (b"", b"garbage that is long enough for a header", SAME, calls((1, 1, []))[:-1],
                     calls((1, 1, [])) + calls((1, 1, [])), calls((1, 1, [])) + b"x"):
            with self.subTest(data):
                runner, replies = once(data)
                self.assertEqual((runner.wait(), replies), (70, []))
                self.assertRegex(runner.out(1), "^runner.py: .*\n$")

    def test_an_exit_leaves_the_replies_before_it(self):
        runner, replies = once(SAME, MIXED, calls((1, 1, [1]), (2, 2, ["exit", 3]), (3, 1, [3])))
        self.assertEqual((runner.wait(), [reply.value for reply in replies]), (3, [1]))

    def test_an_exit_of_the_only_call_leaves_nothing(self):
        for what, status in (("exit", 3), ("exit", 0)):
            runner, replies = once(MIXED, calls((1, 2, [what, status])))
            self.assertEqual((runner.wait(), replies), (status, []))

    def test_the_limit_of_results_holds(self):
        _, replies = once(SAME, calls((1, 1, ["x" * 200])), words=("--result-max", "100"))
        self.assertEqual(replies[0].error.code, "limit_exceeded")

    def test_a_wrong_start_is_told(self):
        runner, _ = once(SAME, words=("--twice",))
        self.assertEqual(runner.wait(), 2)
        self.assertIn("'--twice' is not understood", runner.out(1))
        ours, theirs = os.pipe()
        empty = os.open("/dev/null", os.O_RDWR)
        runner = Runner(theirs, empty)
        self.assertEqual(runner.wait(), 1)
        os.close(theirs)
        reader = frames.Reader()
        reader.append(os.read(ours, 1 << 16))
        (_, _, payload), = reader.next().entries()
        self.assertEqual(error_of(payload).code, "io_error")
        os.close(ours)
        os.close(empty)


if __name__ == "__main__":
    unittest.main()
