"""One function that calls may name: arguments in, bytes out."""
from __future__ import annotations

import time
from types import CoroutineType

from maze_runner import definition
from maze_runner.faults import Failure, from_exception, one_line
from maze_runner.frames import FAILED, RETURNED
from maze_runner.signature import Signature, bind_dict, bind_list, signature_of
from maze_runner.values import Refused, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, Callable


class Function:
    """Loaded at its first call, so that whatever happens then happens to a call that has begun."""

    def __init__(self, number: int, payload: bytes) -> None:
        self.number = number
        self.payload = payload
        self.name = ""
        self.callable: Callable | None = None
        self.takes: Signature | None = None
        self.wrong: Failure | None = None

    def load(self) -> None:
        """Raises Failure, the same one each time: code that failed is not executed again."""
        if self.wrong:
            raise self.wrong
        try:
            self.callable = definition.load(definition.definition_of(self.payload), self.number)
        except Failure as wrong:
            self.wrong = wrong
            raise
        self.name = getattr(self.callable, "__name__", None) or type(self.callable).__name__
        self.takes = signature_of(self.callable)
        self.payload = b""

    def call(self, payload: bytes, result_max: int) -> tuple[int, bytes, int]:
        """Outcome, payload of the reply, and nanoseconds inside the user's code, its loading included.

        Lets SystemExit and KeyboardInterrupt pass, which end the process.
        """
        clock, busy = time.perf_counter_ns, 0
        try:
            if self.callable is None:
                start = clock()
                self.load()
                busy = clock() - start
            args, named = self.bind(payload)
            start = clock()
            try:
                result = self.run(args, named)
            finally:
                busy += clock() - start
            return RETURNED, self.encoded(result, result_max), busy
        except Failure as failed:
            return FAILED, failed.encoded(), busy

    def bind(self, payload: bytes) -> tuple[list, dict]:
        try:
            args = decode(payload)
        except Refused as refused:
            raise Failure("invalid_payload", f"the arguments cannot be read: {refused.why}", self.name) from None
        if type(args) is dict:
            return bind_dict(self.name, self.takes, args)
        if type(args) is list:
            return bind_list(self.name, self.takes, args)
        raise Failure("invalid_payload", "arguments are a list or a dictionary", self.name)

    def run(self, args: list, named: dict) -> Any:
        try:
            result = self.callable(*args, **named)
            if type(result) is CoroutineType:
                import asyncio
                result = asyncio.run(result)
            return result
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as failed:
            raise from_exception(failed, self.name) from None

    def encoded(self, result: Any, result_max: int) -> bytes:
        try:
            return encode(result, result_max)
        except Refused as refused:
            raise Failure(refused.code, refused.at("result"), self.name) from None
        except Exception as failed:
            # Subclasses of plain types and dataclasses run code of their own when they are read.
            raise Failure("invalid_payload", f"result: reading it failed: {one_line(failed)}", self.name) from None
