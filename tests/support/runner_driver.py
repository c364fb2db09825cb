"""Drives the real runner.py as a node does: over a socket and a page, or with two files."""
import fcntl
import mmap
import os
import pathlib
import socket
import struct
import sys
import tempfile
from typing import Any, NamedTuple

SOURCE = pathlib.Path(os.environ.get("MAZE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
HOST = SOURCE / "tools/host"
RUNNER = str(HOST / "runner.py")
sys.path.insert(0, str(HOST))
from maze_runner import frames  # noqa: E402
from maze_runner.values import decode, encode, take_raw, take_varint  # noqa: E402

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
CODES = {1: "user_exception", 2: "exit_nonzero", 3: "signalled", 4: "oom_killed", 8: "invalid_payload",
         10: "unsupported_operation", 16: "resource_exhausted", 18: "worker_crash", 68: "io_error", 69: "malformed",
         71: "limit_exceeded"}


class Error(NamedTuple):
    """A decoded `core::error`."""
    code: str
    message: str
    origin: str
    evidence: str


class Reply(NamedTuple):
    """`value` or, where the call failed, `error`."""
    number: int
    value: Any
    error: Error | None


def error_of(data: bytes) -> Error:
    def text(at: int) -> tuple[str, int]:
        size, at = take_varint(data, at)
        raw, at = take_raw(data, at, size)
        return raw.decode(), at

    code, at = take_varint(data, 0)
    message, at = text(at)
    origin, at = text(at)
    # Exit status and signal, one byte each as far as tests go.
    assert data[at] < 128 and data[at + 1] < 128, data
    evidence, at = text(at + 2)
    assert at == len(data), data
    return Error(CODES[code], message, origin, evidence)


def replies_of(message: frames.Message) -> list[Reply]:
    # One without any is never sent: it would read as a result that is broken.
    assert message.kind == frames.REPLIES and message.table, message
    return [Reply(number, None, error_of(payload)) if word else Reply(number, decode(payload, 1 << 30), None)
            for number, word, payload in message.entries()]


def message(kind: int, *entries: tuple[int, int, bytes]) -> bytes:
    writer = frames.Writer()
    for entry in entries:
        writer.add(*entry)
    return writer.finish(kind)


def define(number: int, text: str, *, source: str = "code", entry: str = "", name: str = "task",
           imports: str | None = None) -> bytes:
    said = {"source": source, "text": text, "entry": entry, "name": name}
    if imports is not None:
        said["imports"] = imports
    return message(frames.DEFINE, (0, number, encode(said)))


def calls(*entries: tuple[int, int, Any]) -> bytes:
    """Entries are number, function and arguments."""
    return message(frames.CALLS, *((number, word, encode(args)) for number, word, args in entries))


class Runner:
    """A runner at work; what it prints goes to files."""

    def __init__(self, third: int, fourth: int, *words: str, folder: str | None = None,
                 environment: dict[str, str] | None = None) -> None:
        self.printed = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        # Out of the way of 3 and 4, which they become over there.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 300) for fd in (third, fourth)]
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_DUP2, self.printed[0].fileno(), 1),
                   (os.POSIX_SPAWN_DUP2, self.printed[1].fileno(), 2),
                   (os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
        program = [PYTHON, "-I", "-B", RUNNER, *words]
        if folder:
            program = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', folder, *program]
        self.pid = os.posix_spawn(program[0], program, environment or dict(os.environ), file_actions=actions)
        for fd in high:
            os.close(fd)
        self.status: int | None = None

    def __del__(self) -> None:
        for file in self.printed:
            file.close()

    def wait(self) -> int:
        """The exit status, negative for a signal."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def out(self, stream: int = 0) -> str:
        self.printed[stream].seek(0)
        return self.printed[stream].read().decode()


class Stream(Runner):
    """A runner that takes calls from a socket; it has said that it is ready. Use it in a `with`, which ends it."""

    TOKEN = 0x0123456789ABCDEF

    def __init__(self, *words: str, ready: bool = True, **more: Any) -> None:
        self.socket, theirs = socket.socketpair()
        self.page_fd = os.memfd_create("page")
        os.ftruncate(self.page_fd, 4096)
        self.page = mmap.mmap(self.page_fd, 4096)
        struct.pack_into("<Q", self.page, 16, self.TOKEN)
        super().__init__(theirs.fileno(), self.page_fd, *words, **more)
        theirs.close()
        self.reader = frames.Reader()
        self.waiting: list[Reply] = []
        self.messages = 0
        self.busy_ns = 0
        if ready:
            self.ready = self.next()
            assert self.ready and self.ready.kind == frames.READY, (self.ready, self.out(1))

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()
        os.close(self.page_fd)
        self.wait()

    def end(self) -> int:
        """Says that no more calls come; the exit status."""
        self.socket.shutdown(socket.SHUT_WR)
        return self.wait()

    def send(self, *data: bytes) -> None:
        self.socket.sendall(b"".join(data))

    def next(self) -> frames.Message | None:
        """The next message; None when the runner has gone."""
        while (found := self.reader.next()) is None:
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.reader.append(data)
        self.messages += 1
        self.busy_ns += found.busy_ns
        return found

    def replies(self, count: int) -> list[Reply]:
        """The next `count` replies, fewer where the runner ends first."""
        while len(self.waiting) < count and (found := self.next()):
            self.waiting += replies_of(found)
        out, self.waiting = self.waiting[:count], self.waiting[count:]
        return out

    def ask(self, args: Any, number: int = 1) -> Reply:
        """One call of function `number`."""
        self.send(calls((7, number, args)))
        return self.replies(1)[0]

    def begun(self) -> int:
        return struct.unpack_from("<Q", self.page)[0]

    def memory(self) -> int:
        """Bytes that it says it has in use."""
        return struct.unpack_from("<Q", self.page, 8)[0]


def once(*data: bytes, words: tuple[str, ...] = (), **more: Any) -> tuple[Runner, list[Reply]]:
    """What a runner answers to one file."""
    given, taken = os.memfd_create("calls"), os.memfd_create("replies")
    os.write(given, b"".join(data))
    runner = Runner(given, taken, "--once", *words, **more)
    runner.wait()
    reader = frames.Reader()
    reader.append(os.pread(taken, os.fstat(taken).st_size, 0))
    found = reader.next()
    os.close(given)
    os.close(taken)
    return runner, replies_of(found) if found else []
