"""Values as bytes: the binary form of core/README.md, canonical and bounded, in both directions."""
from __future__ import annotations

import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, NoReturn

DEPTH_MAX = 64
"""Lists and dictionaries inside each other."""
SIZE_MAX = 64 << 20
"""Encoded size in bytes."""

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
NAN_BITS = b"\x00\x00\x00\x00\x00\x00\xf8\x7f"
REAL = struct.Struct("<d")
PAIR = struct.Struct("<QQ")
TAG_REAL = struct.Struct("<Bd")
SMALL = tuple(bytes((3, n << 1)) for n in range(64))
"""Whole encodings of the smallest integers, by far the most frequent ones."""


class Reference:
    """Stands for something that lies elsewhere: equal where all its fields are, and never changed."""
    __slots__: tuple[str, ...] = ()

    def fields(self) -> tuple:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.fields()}"


class Blob(Reference):
    """Content too large for a value: its hash, its size in bytes, and what it decodes to."""
    __slots__ = ("high", "low", "size", "type")

    def __init__(self, high: int, low: int, size: int, kind: str) -> None:
        self.high, self.low, self.size, self.type = high, low, size, kind


class Object(Reference):
    """An object that lives in the cluster."""
    __slots__ = ("high", "low")

    def __init__(self, high: int, low: int) -> None:
        self.high, self.low = high, low


class Refused(Exception):
    """A value that has no bytes, or bytes that are no value.

    `code` is the name of an error code; `path` leads to what is wrong, outermost step first.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.path: list[int | str] = []

    def at(self, root: str) -> str:
        """One sentence that begins with the place, for example `result['a'][3]: ...`."""
        return root + "".join(f"[{short(step)}]" for step in self.path) + ": " + self.why


def short(step: int | str) -> str:
    """A step as Python writes it, long keys cut."""
    text = ascii(step)
    return text if len(text) <= 80 else text[:77] + "..."


def varint(n: int) -> bytes:
    """Seven bits a byte, least significant first."""
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def encode(x: Any, size_max: int = SIZE_MAX) -> bytes:
    """The bytes of `x`.

    Takes what a task may return: tuples become lists, dataclasses dictionaries, and what has `__index__` or
    `__float__`, as numpy's scalars do, a number. Raises Refused with `invalid_payload` or `limit_exceeded`.
    """
    out = bytearray()
    put(out, x, 0, size_max)
    return bytes(out)


def put(out: bytearray, x: Any, depth: int, size_max: int) -> None:
    """Appends one value; `depth` collections are around it."""
    kind = type(x)
    if kind is str:
        out.append(5)
        put_text(out, x, size_max)
    elif kind is int:
        put_int(out, x)
    elif kind is float:
        out += TAG_REAL.pack(4, x) if x == x else b"\x04" + NAN_BITS
    elif kind is dict:
        put_dict(out, x, depth, size_max)
    elif kind is list or kind is tuple:
        put_list(out, x, depth, size_max)
    elif x is None:
        out.append(0)
    elif kind is bool:
        out.append(2 if x else 1)
    elif kind is bytes:
        out.append(6)
        put_bytes(out, x, size_max)
    else:
        put_other(out, x, depth, size_max)
    if len(out) > size_max:
        too_large(size_max)


def put_int(out: bytearray, x: int) -> None:
    if 0 <= x < 64:
        out += SMALL[x]
        return
    if not INT_MIN <= x <= INT_MAX:
        raise Refused("invalid_payload", "an integer beyond 64 bits; give it as text or as a float")
    out.append(3)
    out += varint(x << 1 if x >= 0 else (-x << 1) - 1)


def put_text(out: bytearray, x: str, size_max: int) -> None:
    try:
        data = x.encode()
    except UnicodeEncodeError:
        raise Refused("invalid_payload", "text that is not UTF-8 (a lone surrogate); give it as bytes") from None
    put_bytes(out, data, size_max)


def put_bytes(out: bytearray, x: bytes | bytearray, size_max: int) -> None:
    if len(out) + len(x) > size_max:
        too_large(size_max)
    if len(x) < 0x80:
        out.append(len(x))
    else:
        out += varint(len(x))
    out += x


def put_list(out: bytearray, xs: list | tuple, depth: int, size_max: int) -> None:
    check_depth(depth)
    out.append(7)
    out += varint(len(xs))
    index = 0
    try:
        for x in xs:
            put(out, x, depth + 1, size_max)
            index += 1
    except Refused as refused:
        refused.path.insert(0, index)
        raise


def put_dict(out: bytearray, xs: dict, depth: int, size_max: int) -> None:
    check_depth(depth)
    out.append(8)
    out += varint(len(xs))
    for key in xs:
        if type(key) is not str:
            xs = with_plain_keys(xs)
            break
    key = ""
    try:
        # Python orders text by code points, which is the order of its UTF-8 bytes.
        for key in sorted(xs):
            put_text(out, key, size_max)
            put(out, xs[key], depth + 1, size_max)
    except Refused as refused:
        refused.path.insert(0, key)
        raise


def with_plain_keys(xs: dict) -> dict:
    """The same with keys of type str itself, where they are text at all."""
    out = {}
    for key, x in xs.items():
        if not isinstance(key, str):
            raise Refused("invalid_payload", f"a key of type {type_name(key)} ({short(key)}); keys are text")
        out[str.__str__(key)] = x
    if len(out) != len(xs):
        raise Refused("invalid_payload", "two keys with the same text")
    return out


def put_other(out: bytearray, x: Any, depth: int, size_max: int) -> None:
    """What is none of the plain types: their subclasses, references, and what converts to them."""
    if isinstance(x, Blob):
        out.append(9)
        out += PAIR.pack(x.high, x.low) + varint(x.size)
        put_text(out, x.type, size_max)
    elif isinstance(x, Object):
        out.append(10)
        out += PAIR.pack(x.high, x.low)
    elif isinstance(x, (bytes, bytearray, memoryview)):
        out.append(6)
        put_bytes(out, bytes(x), size_max)
    else:
        put(out, plain(x), depth, size_max)


def plain(x: Any) -> Any:
    """`x` as one of the plain types, or raises Refused."""
    if isinstance(x, str):
        return str.__str__(x)
    if isinstance(x, int):
        return int.__int__(x)
    if isinstance(x, float):
        return float.__float__(x)
    if isinstance(x, dict):
        return dict(x.items())
    if isinstance(x, (list, tuple)):
        return list(x)
    kind = type(x)
    if hasattr(kind, "__dataclass_fields__"):
        # Whoever made a dataclass has imported the module already.
        return {field.name: getattr(x, field.name) for field in sys.modules["dataclasses"].fields(x)}
    # Arrays convert to a number where they happen to have one element: what has a length is no scalar.
    if not isinstance(x, type) and not hasattr(kind, "__len__") and not kind.__name__.startswith("complex"):
        if kind.__module__ == "numpy" and kind.__name__.startswith("bool"):
            return bool(x)
        for name, convert in (("__index__", kind_index), ("__float__", float)):
            if hasattr(kind, name):
                try:
                    return convert(x)
                except (TypeError, ValueError, OverflowError):
                    continue
    raise Refused("invalid_payload", f"{type_name(x)} is no type that a task can return; "
                  "there are None, bool, int, float, str, bytes, list, tuple, dict and dataclasses")


def kind_index(x: Any) -> int:
    return int(type(x).__index__(x))


def type_name(x: Any) -> str:
    kind = type(x)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def check_depth(depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise Refused("limit_exceeded", f"nested deeper than {DEPTH_MAX} levels")


def too_large(size_max: int) -> NoReturn:
    raise Refused("limit_exceeded", f"the value takes more than {size_max} bytes encoded here; write it to a file")


def decode(data: bytes, size_max: int = SIZE_MAX) -> Any:
    """The value that the bytes are. Raises Refused with `malformed` or `limit_exceeded`, naming the byte.

    Dictionaries come with their keys in byte order. What is accepted is encoded to the same bytes again.
    """
    if len(data) > size_max:
        raise Refused("limit_exceeded", f"value, byte {size_max}: {len(data)} bytes are more than the "
                      f"{size_max} that a value may take")
    x, at = take(data, 0, 0)
    if at != len(data):
        malformed(at, f"{len(data) - at} bytes too many")
    return x


def malformed(at: int, why: str) -> NoReturn:
    raise Refused("malformed", f"value, byte {at}: {why}")


def take(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins at byte `at`, and where it ends; `depth` collections are around it."""
    if at >= len(data):
        malformed(at, "1 bytes should follow, 0 remain")
    tag = data[at]
    at += 1
    if tag == 5:
        return take_text(data, at)
    if tag == 3:
        folded, at = take_varint(data, at)
        return (folded >> 1) ^ -(folded & 1), at
    if tag == 4:
        bits, end = take_raw(data, at, 8)
        x = REAL.unpack(bits)[0]
        if x != x and bits != NAN_BITS:
            malformed(at, "a NaN that is not the canonical one")
        return x, end
    if tag == 8:
        return take_dict(data, at, depth)
    if tag == 7:
        return take_list(data, at, depth)
    if tag == 0:
        return None, at
    if tag < 3:
        return tag == 2, at
    if tag == 6:
        size, at = take_varint(data, at)
        return take_raw(data, at, size)
    if tag == 9:
        bits, at = take_raw(data, at, 16)
        size, at = take_varint(data, at)
        kind, at = take_text(data, at)
        return Blob(*PAIR.unpack(bits), size, kind), at
    if tag == 10:
        bits, at = take_raw(data, at, 16)
        return Object(*PAIR.unpack(bits)), at
    return malformed(at - 1, f"no value starts with byte {tag}")


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    start, n, shift = at, 0, 0
    try:
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                malformed(start, "a number of more than 64 bits")
    except IndexError:
        malformed(at, "1 bytes should follow, 0 remain")
    if n >> 64:
        malformed(start, "a number of more than 64 bits")
    if byte == 0 and shift:
        malformed(start, "a number that is not written in its shortest form")
    return n, at


def take_raw(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    end = at + size
    if end > len(data):
        malformed(at, f"{size} bytes should follow, {len(data) - at} remain")
    return data[at:end], end


def take_text(data: bytes, at: int) -> tuple[str, int]:
    size, begin = take_varint(data, at)
    raw, end = take_raw(data, begin, size)
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        return malformed(at, "text that is not UTF-8")


def take_count(data: bytes, at: int, depth: int) -> tuple[int, int]:
    if depth >= DEPTH_MAX:
        raise Refused("limit_exceeded", f"value, byte {at}: nested deeper than {DEPTH_MAX} levels")
    count, end = take_varint(data, at)
    if count > len(data) - end:
        malformed(at, f"{count} elements should follow, but only {len(data) - end} bytes remain")
    return count, end


def take_list(data: bytes, at: int, depth: int) -> tuple[list, int]:
    count, at = take_count(data, at, depth)
    out = []
    for _ in range(count):
        x, at = take(data, at, depth + 1)
        out.append(x)
    return out, at


def take_dict(data: bytes, at: int, depth: int) -> tuple[dict, int]:
    count, at = take_count(data, at, depth)
    out: dict[str, Any] = {}
    last = None
    for _ in range(count):
        start = at
        key, at = take_text(data, at)
        if last is not None and key <= last:
            malformed(start, "a key that is not greater than the one before")
        last = key
        out[key], at = take(data, at, depth + 1)
    return out, at
