"""How a call fails: errors as core/error.hpp has them, and what an exception becomes."""
from __future__ import annotations

import os
import sys
from types import TracebackType

from maze_runner.values import varint

CODES = {"user_exception": 1, "exit_nonzero": 2, "signalled": 3, "oom_killed": 4, "invalid_payload": 8,
         "unsupported_operation": 10, "resource_exhausted": 16, "worker_crash": 18, "io_error": 68, "malformed": 69,
         "limit_exceeded": 71}
TEXT_MAX = 16 << 10
"""Bytes of a message or of evidence; of longer ones head and tail are kept."""
OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))
ASYNCIO_FOLDER = os.path.join(os.path.dirname(os.__file__), "asyncio")

sources: dict[str, str] = {}
"""Code by the name it was compiled under: what tracebacks quote."""


class Failure(Exception):
    """Why a call failed: the name of an error code, a sentence, where, and evidence."""

    def __init__(self, code: str, message: str, origin: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.origin = origin
        self.evidence = evidence
        self.exit_code = -1
        self.signal = 0

    def encoded(self) -> bytes:
        """The binary form of `core::error`."""
        return (varint(CODES[self.code]) + text(self.message) + text(self.origin)
                + signed(self.exit_code) + signed(self.signal) + text(self.evidence))


def signed(x: int) -> bytes:
    """The sign in the lowest bit: 0, -1, 1 become 0, 1, 2."""
    return varint(x << 1 if x >= 0 else -x * 2 - 1)


def text(x: str) -> bytes:
    data = cut(x.encode("utf-8", "backslashreplace"))
    return varint(len(data)) + data


def cut(data: bytes) -> bytes:
    """At most TEXT_MAX bytes: head and tail where there are more, whole characters."""
    if len(data) <= TEXT_MAX:
        return data
    note = f"\n... {len(data) - TEXT_MAX} bytes left out ...\n".encode()
    half = (TEXT_MAX - len(note)) // 2
    head, tail = data[:half], data[-half:]
    return head.decode("utf-8", "ignore").encode() + note + tail.decode("utf-8", "ignore").encode()


def one_line(x: BaseException) -> str:
    """`Type: text`, or the type alone where the exception says nothing."""
    name = type(x).__qualname__
    try:
        said = str(x)
    except Exception:
        said = "<what it says cannot be told: its __str__ failed>"
    return f"{name}: {said}" if said else name


def from_exception(x: BaseException, origin: str) -> Failure:
    """What the user's code raised."""
    return Failure("user_exception", one_line(x) + remedy_of(x), origin, traceback_text(x))


def remedy_of(x: BaseException) -> str:
    """A module that is not there is mostly a file beside the user's, which no task has that does not name it."""
    if not isinstance(x, ModuleNotFoundError) or not x.name:
        return ""
    module = x.name.partition(".")[0]
    return f"; if {module}.py is a file of yours, add it to the workflow's `files`, else install '{module}' on every node"


def traceback_text(x: BaseException) -> str:
    """As Python prints it, without the frames that led to the user's code."""
    # Costs more to import than all else here, and most children never need it.
    import traceback
    quote_sources()
    try:
        told = traceback.TracebackException(type(x), x, users(x.__traceback__))
        # What stands in for a function of Python's is no place in the user's code either.
        told.stack[:] = [x for x in told.stack if not x.filename.startswith(OWN_FOLDER)]
        return "".join(told.format()).rstrip("\n")
    except Exception as failed:
        return f"the traceback cannot be told: {one_line(failed)}"


def users(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is neither the runner's nor of asyncio, which it calls."""
    first = frames
    while first and first.tb_frame.f_code.co_filename.startswith((OWN_FOLDER, ASYNCIO_FOLDER)):
        first = first.tb_next
    return first


def quote_sources() -> None:
    """Gives the code that came without a file to whoever prints tracebacks, if anybody has begun to."""
    cache = sys.modules.get("linecache")
    if cache:
        for name, code in sources.items():
            cache.cache[name] = (len(code), None, code.splitlines(True), name)
