"""Calls in copies of this process, one each: what a call does to memory, modules and itself ends with it."""
from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import sys

from maze_runner import frames, host
from maze_runner.faults import Failure
from maze_runner.frames import Garbage, Message, Reader

PR_SET_CHILD_SUBREAPER = 36
ROUNDS_MAX = 1000
"""Generations of processes that are ended after a call."""


class Forks(host.Stream):
    """A stream whose calls are each made by a copy, which loads the function anew: the process itself never runs user code."""

    def __init__(self, child: host.Host, fd: int, progress: memoryview, memory_limited: bool) -> None:
        super().__init__(child, fd, progress)
        self.memory_limited = memory_limited
        try:
            # What a call leaves behind comes here and is ended.
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (AttributeError, OSError):
            pass
        # Pages that the collector does not touch stay shared with the copies.
        gc.collect()
        gc.freeze()

    def run(self, message: Message) -> None:
        for number, word, payload in message.entries():
            self.begun += 1
            self.progress[0] = self.begun
            self.call(number, word, payload)
        self.flush()

    def call(self, number: int, word: int, payload: bytes) -> None:
        try:
            mine, theirs = os.pipe()
            theirs = high(theirs)
            copy = os.fork()
        except OSError as failed:
            why = Failure("resource_exhausted", f"a process for the call cannot be made: {failed.strerror}", "execute")
            return self.host.replies.add(number, frames.FAILED, why.encoded())
        if copy == 0:
            os.close(mine)
            self.answer(theirs, number, word, payload)
        os.close(theirs)
        answer, status = collect(mine, copy)
        os.close(mine)
        end_leftovers()
        reader = Reader()
        reader.append(answer)
        try:
            told = reader.next()
            entries = list(told.entries()) if told and told.kind == frames.REPLIES else []
        except Garbage:
            entries = []
        if len(entries) == 1:
            self.host.replies.add(number, entries[0][1], entries[0][2])
        else:
            self.host.replies.add(number, frames.FAILED, ended_without_answer(status, self.memory_limited, not answer).encoded())

    def answer(self, fd: int, number: int, word: int, payload: bytes) -> None:
        """In the copy: never returns."""
        status = 1
        try:
            child = self.host
            child.owner = os.getpid()
            child.replies = frames.Writer()
            child.call(number, word, payload)
            answer = child.finish()
            status = host.GARBAGE
            host.write(fd, answer)
            status = 0
        except OSError:
            pass
        except SystemExit as end:
            code = end.code
            if code is not None and not isinstance(code, int):
                print(code, file=sys.stderr)
            status = 0 if code is None else code & 255 if isinstance(code, int) else 1
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            host.show()
            os._exit(status)


def collect(fd: int, copy: int) -> tuple[bytes, int]:
    """What the copy wrote until it ended, and how it ended."""
    parts = []
    # Something that the copy started may hold the pipe's other end longer than the copy lives.
    alive = os.pidfd_open(copy)
    os.set_blocking(fd, False)
    watched = select.poll()
    watched.register(fd, select.POLLIN)
    watched.register(alive, select.POLLIN)
    try:
        ended = False
        while True:
            if not ended:
                ended = any(ready == alive for ready, _ in watched.poll())
            try:
                data = os.read(fd, 1 << 20)
            except BlockingIOError:
                if ended:
                    break
                continue
            if data:
                parts.append(data)
            elif ended:
                break
            else:
                watched.unregister(fd)
                watched.poll()
                break
    finally:
        os.close(alive)
    return b"".join(parts), os.waitpid(copy, 0)[1]


def high(fd: int) -> int:
    """The same file under a number that functions do not come upon by chance."""
    import fcntl
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 480)
    except OSError:
        return fd
    os.close(fd)
    return moved


def end_leftovers() -> None:
    """Ends what the copy started and left."""
    # Alone in a pid namespace, whose first process only waits: all at once, or those that go on making others outrun us.
    alone = os.getppid() == 0
    for _ in range(ROUNDS_MAX):
        try:
            if alone:
                os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            with open("/proc/thread-self/children", "rb") as file:
                left = [int(x) for x in file.read().split()]
        except (ChildProcessError, OSError):
            return
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if not left:
            return
        os.waitpid(-1, 0)


def ended_without_answer(status: int, memory_limited: bool, said_nothing: bool) -> Failure:
    if memory_limited and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return Failure("oom_killed", "the function was killed, as the kernel does with one that has more memory than its limit",
                       "execute")
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 and not said_nothing:
        return Failure("invalid_payload", "what the child gave as its result is none: the function wrote to a descriptor that it "
                       "had not opened", "execute")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # No function gets the one signal from within: somebody killed its process.
        word = "worker_crash" if number == signal.SIGKILL else "signalled"
        why = Failure(word, f"the function was killed by signal {number} ({signal.strsignal(number)})",
                      "execute")
        why.signal = number
        return why
    code = os.WEXITSTATUS(status)
    hint = ", as a child does whose function closed descriptors that it had not opened" if code == host.GARBAGE else ""
    why = Failure("exit_nonzero", f"the function ended its process with exit status {code} instead of returning{hint}",
                  "execute")
    why.exit_code = code
    return why
