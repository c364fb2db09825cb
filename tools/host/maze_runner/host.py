"""The two ways in which a child runs calls: one after the other from a stream, or those of one file."""
from __future__ import annotations

import mmap
import os
import select
import sys
import time

from maze_runner import frames
from maze_runner.faults import Failure, text
from maze_runner.frames import Garbage, Message, Reader, Writer
from maze_runner.function import Function
from maze_runner.values import varint

FLUSH_SIZE = 256 << 10
"""Bytes of replies that are sent without waiting for more."""
FLUSH_NS = 500_000
"""Work, in nanoseconds, after which replies are sent."""
READ_SIZE = 256 << 10
MEMORY_NS = 20_000_000
"""Between two looks at the memory in use."""
GARBAGE = 70
"""Exit status where the other side does not speak our language. Source: sysexits.h, EX_SOFTWARE."""


class Host:
    """The functions of one child, and the replies that have not left yet."""

    def __init__(self, result_max: int) -> None:
        self.result_max = result_max
        self.functions: dict[int, Function] = {}
        self.replies = Writer()
        self.busy_ns = 0
        self.owner = os.getpid()

    def define(self, message: Message) -> None:
        for _, word, payload in message.entries():
            self.functions[word] = Function(word, payload)

    def call(self, number: int, word: int, payload: bytes) -> None:
        """Adds a reply. Lets SystemExit and KeyboardInterrupt pass."""
        function = self.functions.get(word)
        if function:
            outcome, answer, busy = function.call(payload, self.result_max)
            self.busy_ns += busy
        else:
            unknown = Failure("invalid_payload", f"there is no function {word}: nobody has defined it")
            outcome, answer = frames.FAILED, unknown.encoded()
        show()
        if os.getpid() != self.owner:
            # The function forked, and its child came back as well: one answer is enough.
            os._exit(0)
        self.replies.add(number, outcome, answer)

    def finish(self) -> bytes:
        """The message of all replies since the last one."""
        busy, self.busy_ns = self.busy_ns, 0
        return self.replies.finish(frames.REPLIES, busy)


def show() -> None:
    """What the call printed is out before its reply is; who closed the streams wants nothing shown."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


class Stream:
    """Calls that come over a socket, whose progress others can see."""

    def __init__(self, host: Host, fd: int, progress: memoryview) -> None:
        self.host = host
        self.fd = fd
        self.progress = progress
        self.begun = 0
        self.flushed_ns = time.perf_counter_ns()
        self.looked_ns = 0
        self.waiting = select.poll()
        self.waiting.register(fd, select.POLLIN)
        # Children that outlive us must not keep the socket open, nor answer in our name.
        os.register_at_fork(after_in_child=self.leave)

    def leave(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def serve(self) -> None:
        """Returns when nobody sends any more. Raises Garbage, and OSError where the socket is lost."""
        self.send(frames.READY, self.progress[2], frames.PROTOCOL, introduction())
        reader = Reader()
        while True:
            message = reader.next()
            if message is None:
                if self.host.replies.size() and not self.waiting.poll(0):
                    self.flush()
                data = os.read(self.fd, READ_SIZE)
                if not data:
                    return self.flush()
                reader.append(data)
                if not self.host.replies.size():
                    self.flushed_ns = time.perf_counter_ns()
            elif message.kind == frames.DEFINE:
                self.host.define(message)
            elif message.kind == frames.CALLS:
                self.run(message)
            else:
                raise Garbage(f"a child runs functions; it has no use for a message of kind {message.kind}")

    def run(self, message: Message) -> None:
        host, clock = self.host, time.perf_counter_ns
        for number, word, payload in message.entries():
            self.begun += 1
            self.progress[0] = self.begun
            try:
                host.call(number, word, payload)
            except BaseException:
                self.flush()
                raise
            if clock() - self.flushed_ns >= FLUSH_NS or host.replies.size() >= FLUSH_SIZE:
                self.flush()

    def flush(self) -> None:
        self.flushed_ns = time.perf_counter_ns()
        if self.flushed_ns - self.looked_ns >= MEMORY_NS:
            self.looked_ns = self.flushed_ns
            self.progress[1] = bytes_in_use()
        if self.host.replies.size() and self.fd >= 0:
            write(self.fd, self.host.finish())
            self.flushed_ns = time.perf_counter_ns()

    def send(self, kind: int, number: int, word: int, payload: bytes) -> None:
        write(self.fd, message_of(kind, number, word, payload))


def bytes_in_use() -> int:
    """Memory that this process has in use; 0 where nobody knows."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read(128).split()[1]) * mmap.PAGESIZE
    except (OSError, IndexError, ValueError):
        return 0


def message_of(kind: int, number: int, word: int, payload: bytes) -> bytes:
    writer = Writer()
    writer.add(number, word, payload)
    return writer.finish(kind)


def write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left):]


def introduction() -> bytes:
    """An encoded `core::library_set`: one library without functions, which names the interpreter."""
    version, _, build = sys.version.partition(" ")
    compiler = build.rpartition("[")[2].rstrip("]")
    return b"\x02\x01" + text("python") + text(version) + text(compiler) + varint(0) + varint(0)


def serve_once(host: Host, fd: int, reply_fd: int) -> None:
    """Runs the calls of one file. Raises Garbage, and OSError where a file cannot be read or written."""
    reader = Reader()
    at = 0
    while data := os.pread(fd, 1 << 20, at):
        reader.append(data)
        at += len(data)
    calls = None
    while message := reader.next():
        if calls or message.kind not in (frames.DEFINE, frames.CALLS):
            raise Garbage("the calls of one file are definitions and then one message of calls")
        if message.kind == frames.DEFINE:
            host.define(message)
        else:
            calls = message
    if reader.buffer or not calls:
        raise Garbage("the calls of one file end before they are whole")
    try:
        for number, word, payload in calls.entries():
            host.call(number, word, payload)
    finally:
        # A child that a function ended before any answer leaves nothing, as one that crashed.
        if os.getpid() == host.owner and host.replies.size():
            write_at(reply_fd, host.finish())


def write_at(fd: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(fd, data[at:at + (1 << 20)], at)
