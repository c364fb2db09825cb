"""The messages of core/call_frames.hpp: a header, a table, then all payloads behind one another."""
from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Iterator

MAGIC = 0x31435A4D
PROTOCOL = 1
SIZE_MAX = 1 << 30
"""Bytes that may follow a header."""
READY, REFUSED, DEFINE, CALLS, REPLIES = 1, 2, 3, 4, 5
RETURNED, FAILED = 0, 1

HEADER = struct.Struct("<IHHIIQ")
ENTRY = struct.Struct("<QII")


class Garbage(Exception):
    """Bytes that are no message."""


class Message:
    """One message: what it is, number, word and size of each entry, all payloads, and the sender's work."""
    __slots__ = ("kind", "table", "payloads", "busy_ns")

    def __init__(self, kind: int, table: list[tuple[int, int, int]], payloads: bytes, busy_ns: int) -> None:
        self.kind, self.table, self.payloads, self.busy_ns = kind, table, payloads, busy_ns

    def entries(self) -> Iterator[tuple[int, int, bytes]]:
        """Number, word and payload of each entry."""
        at = 0
        for number, word, size in self.table:
            yield number, word, self.payloads[at:at + size]
            at += size


class Reader:
    """Takes a stream apart into messages, however it was cut."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.whole = HEADER.size

    def append(self, data: bytes) -> None:
        self.buffer += data

    def next(self) -> Message | None:
        """The next whole message; None where more bytes are needed. Raises Garbage, and is of no more use then."""
        buffer = self.buffer
        # Pieces of a large message are not looked at before it is whole.
        if len(buffer) < self.whole:
            return None
        magic, kind, zero, count, size, busy_ns = HEADER.unpack_from(buffer)
        if magic != MAGIC or zero or not READY <= kind <= REPLIES:
            raise Garbage("these bytes are no message of calls")
        if size > SIZE_MAX:
            raise Garbage(f"a message of calls has {size} bytes, at most {SIZE_MAX} are taken")
        table = HEADER.size + count * ENTRY.size
        whole = HEADER.size + size
        if table > whole:
            raise Garbage("the table of a message of calls is longer than the message")
        if len(buffer) < whole:
            self.whole = whole
            return None
        entries = list(ENTRY.iter_unpack(bytes(buffer[HEADER.size:table])))
        payloads = bytes(buffer[table:whole])
        if sum(entry[2] for entry in entries) != len(payloads):
            raise Garbage("the payloads of a message of calls are not as long as its table says")
        del buffer[:whole]
        self.whole = HEADER.size
        return Message(kind, entries, payloads, busy_ns)


class Writer:
    """Gathers entries and gives them out as one message."""

    def __init__(self) -> None:
        self.table = bytearray()
        self.payloads = bytearray()

    def add(self, number: int, word: int, payload: bytes) -> None:
        self.table += ENTRY.pack(number, word, len(payload))
        self.payloads += payload

    def size(self) -> int:
        """Bytes of the whole message so far; 0 where there is nothing to say."""
        return len(self.table) and HEADER.size + len(self.table) + len(self.payloads)

    def finish(self, kind: int, busy_ns: int = 0) -> bytes:
        """The message; begins anew."""
        out = HEADER.pack(MAGIC, kind, 0, len(self.table) // ENTRY.size, len(self.table) + len(self.payloads),
                          busy_ns) + self.table + self.payloads
        self.table.clear()
        self.payloads.clear()
        return out
