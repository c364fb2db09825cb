#!/usr/bin/env python3
"""The runner's binary form of values: exact, canonical, bounded, and the same as that of core/value_codec.cpp."""
import base64
import collections
import dataclasses
import enum
import json
import math
import os
import pathlib
import random
import struct
import subprocess
import sys
import unittest
from typing import Any

ROOT = pathlib.Path(os.environ.get("MAZE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "tools/host"))
from maze_runner.values import DEPTH_MAX, Blob, Object, Refused, decode, encode, varint  # noqa: E402

ECHO = pathlib.Path(os.environ.get("MAZE_BIN_DIR", ROOT / "build/dev/bin")) / "maze-value-echo"
ODD_TEXT = ["\0", '"', "\\", "\n", "\x1f", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufeff", "\uffff",
            "\U00010000", "\U0010ffff", "$"]
ODD_REAL = [0.0, -0.0, 1.0, 1e300, 5e-324, 0.1, sys.float_info.max, math.inf, -math.inf, math.nan]
ODD_INT = [0, 1, -1, 63, 64, 127, -128, 300, 2**31, 2**63 - 1, -2**63]


class Draw:
    """Values of every kind; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        chars = (self.random.choice(ODD_TEXT) if self.random.random() < .5 else chr(self.random.randrange(97, 123))
                 for _ in range(self.random.randrange(6)))
        return "".join(chars)

    def bits(self) -> int:
        return self.random.getrandbits(64) >> self.random.randrange(64)

    def real(self) -> float:
        x = struct.unpack("<d", self.random.randbytes(8))[0]
        return self.random.choice(ODD_REAL) if x != x or self.random.random() < .5 else x

    def value(self, depth: int = 4) -> Any:
        roll = self.random.randrange(12 if depth else 8)
        if roll == 0:
            return None
        if roll == 1:
            return self.random.random() < .5
        if roll == 2:
            return self.random.choice(ODD_INT + [self.bits() >> 1, -(self.bits() >> 1)])
        if roll == 3:
            return self.real()
        if roll == 4:
            return self.text()
        if roll == 5:
            return self.random.randbytes(self.random.randrange(16))
        if roll == 6:
            return Blob(self.bits(), self.bits(), self.bits(), self.text())
        if roll == 7:
            return Object(self.bits(), self.bits())
        count = self.random.randrange(6)
        if roll < 10:
            return [self.value(depth - 1) for _ in range(count)]
        return {self.text(): self.value(depth - 1) for _ in range(count)}

    def spoiled(self, data: bytes) -> bytes:
        """The same bytes with something wrong in most cases."""
        out = bytearray(data)
        for _ in range(self.random.randrange(1, 3)):
            at = self.random.randrange(len(out) + 1)
            roll = self.random.randrange(4)
            if roll == 0:
                del out[at:]
            elif roll == 1:
                out.insert(at, self.random.choice((0, 1, 5, 7, 8, 127, 128, 255, self.random.randrange(256))))
            elif out and roll == 2:
                out[at % len(out)] = self.random.randrange(256)
            elif out:
                out[at % len(out)] ^= 1 << self.random.randrange(8)
        return bytes(out)


class Echo:
    """The C++ codec, asked one value at a time."""

    def __init__(self, *words: str) -> None:
        self.program = subprocess.Popen([ECHO, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Echo":
        return self

    def __exit__(self, *_: Any) -> None:
        self.program.communicate()

    def ask(self, data: bytes) -> tuple[bool, bytes]:
        self.program.stdin.write(struct.pack("<I", len(data)) + data)
        self.program.stdin.flush()
        sign, size = struct.unpack("<cI", self.program.stdout.read(5))
        return sign == b"+", self.program.stdout.read(size)


def same(a: Any, b: Any) -> bool:
    """Equality that tells types and the signs of zeros apart, and takes NaN for equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(x, b[key]) for key, x in a.items())
    return a == b


def as_json(x: Any) -> Any:
    """The JSON that io/json.hpp makes of the value."""
    if isinstance(x, float) and not math.isfinite(x):
        return {"$float": "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"}
    if isinstance(x, bytes):
        return {"$bytes": base64.b64encode(x).decode()}
    if isinstance(x, Blob):
        size = x.size if x.size < 2**63 else str(x.size)
        return {"$blob": {"hash": f"{x.high:016x}{x.low:016x}", "size": size, "type": x.type}}
    if isinstance(x, Object):
        return {"$object": f"{x.high:016x}{x.low:016x}"}
    if isinstance(x, list):
        return [as_json(each) for each in x]
    if isinstance(x, dict):
        marked = len(x) == 1 and next(iter(x)).startswith("$")
        return {"$" * marked + key: as_json(each) for key, each in x.items()}
    return x


def nested(levels: int) -> list:
    out: list = []
    for _ in range(levels - 1):
        out = [out]
    return out


class Values(unittest.TestCase):
    def refused(self, work: Any, *args: Any) -> Refused:
        with self.assertRaises(Refused) as caught:
            work(*args)
        return caught.exception

    def test_bytes_are_those_of_the_description(self):
        for x, data in ((None, "00"), (False, "01"), (True, "02"), (0, "0300"), (-1, "0301"), (1, "0302"),
                        (300, "03d804"), (2**63 - 1, "03feffffffffffffffff01"), (-2**63, "03ffffffffffffffffff01"),
                        (1.0, "04000000000000f03f"), (math.nan, "04000000000000f87f"), ("é", "0502c3a9"),
                        (b"\xff", "0601ff"), ({"b": 1, "a": []}, "0802016107000162" + "0302"),
                        (Object(1, 2), "0a01000000000000000200000000000000")):
            with self.subTest(x):
                self.assertEqual(encode(x).hex(), data)
                self.assertTrue(same(decode(bytes.fromhex(data)), x))
        self.assertEqual(list(decode(encode({"é": 1, "z": 2, "a": 3, "\uffff": 4, "\U00010000": 5}))),
                         ["a", "z", "é", "\uffff", "\U00010000"])

    def test_every_value_comes_back(self):
        for seed in range(3000):
            x = Draw(seed).value()
            data = encode(x)
            self.assertTrue(same(decode(data), x), f"seed = {seed}")
            self.assertEqual(encode(decode(data)), data, f"seed = {seed}")

    def test_what_is_not_canonical_is_refused(self):
        for data, why in (("", "0 remain"), ("03", "0 remain"), ("038000", "shortest"), ("03" + "ff" * 10, "64 bits"),
                          ("03" + "ff" * 9 + "02", "64 bits"), ("04010000000000f87f", "NaN"),
                          ("04000000000000f8ff", "NaN"), ("0401", "remain"), ("0501ff", "UTF-8"),
                          ("0503eda080", "UTF-8"), ("0502c080", "UTF-8"), ("0502", "remain"), ("07ff7f", "elements"),
                          ("0703", "elements"), ("08020161000161" + "00", "greater"), ("080201620001" + "6100", "greater"),
                          ("0b", "no value starts"), ("ff", "no value starts"), ("0000", "too many"), ("09" + "00" * 15, "remain")):
            with self.subTest(data):
                refused = self.refused(decode, bytes.fromhex(data))
                self.assertEqual(refused.code, "malformed")
                self.assertIn(why, refused.why)

    def test_nesting_and_size_have_limits(self):
        self.assertEqual(decode(encode(nested(DEPTH_MAX))), nested(DEPTH_MAX))
        self.assertEqual(self.refused(encode, nested(DEPTH_MAX + 1)).code, "limit_exceeded")
        self.assertEqual(self.refused(decode, b"\x07\x01" * DEPTH_MAX + b"\x07\x00").code, "limit_exceeded")
        self.assertEqual(len(encode(b"x" * 98, 100)), 100)
        for x in (b"x" * 99, "x" * 99, [1] * 50, {"k" * 60: "x" * 40}):
            self.assertEqual(self.refused(encode, x, 100).code, "limit_exceeded")
        self.assertEqual(self.refused(decode, bytes(101), 100).code, "limit_exceeded")
        endless: list = []
        endless.append(endless)
        self.assertEqual(self.refused(encode, endless).code, "limit_exceeded")
        wide: Any = "x" * 100
        for _ in range(30):
            wide = [wide] * 10
        self.assertEqual(self.refused(encode, wide, 1 << 20).code, "limit_exceeded")

    def test_what_converts_without_loss_is_converted(self):
        @dataclasses.dataclass
        class Point:
            x: int
            y: list = dataclasses.field(default_factory=list)

        class Number(enum.IntEnum):
            TWO = 2

        class Name(str, enum.Enum):
            ANNA = "anna"

        scalar = type("int64", (), {"__index__": lambda self: 7, "__float__": lambda self: 7.0})
        real = type("float32", (), {"__float__": lambda self: 0.5})
        pair = collections.namedtuple("pair", "a b")
        for x, plain in (((1, (2,)), [1, [2]]), (Point(1, [Point(2)]), {"x": 1, "y": [{"x": 2, "y": []}]}),
                         (Number.TWO, 2), (Name.ANNA, "anna"), ({Name.ANNA: 1}, {"anna": 1}), (scalar(), 7),
                         (real(), 0.5), (pair(1, 2), [1, 2]), (collections.OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
                         (bytearray(b"ab"), b"ab"), (memoryview(b"ab"), b"ab"),
                         (collections.Counter("aab"), {"a": 2, "b": 1})):
            with self.subTest(repr(x)):
                self.assertTrue(same(decode(encode(x)), plain))

    def test_a_refusal_says_where(self):
        array = type("ndarray", (), {"__float__": lambda self: 1.0, "__len__": lambda self: 1})
        for x, sentence in (({"a": [0, 1, 2, {1}]}, "result['a'][3]: set is no type"),
                            ([{"k": 2**63}], "result[0]['k']: an integer beyond 64 bits"),
                            ({"a": {1: 2}}, "result['a']: a key of type int (1)"),
                            (["\ud800"], "result[0]: text that is not UTF-8"), (object(), "result: object is no type"),
                            (array(), "ndarray is no type"), (1j, "result: complex is no type"), (int, "type is no type"),
                            (({"é\n": print},), "result[0]['\\xe9\\n']: builtin_function_or_method is no")):
            with self.subTest(sentence):
                refused = self.refused(encode, x)
                self.assertEqual(refused.code, "invalid_payload")
                self.assertIn(sentence, refused.at("result"))

    def test_varints_are_the_shortest(self):
        for n, data in ((0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**64 - 1, "ff" * 9 + "01")):
            self.assertEqual(varint(n).hex(), data)


class AgainstTheCore(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if not ECHO.exists():
            print(f"SKIPPED: {ECHO} is not built")
            raise unittest.SkipTest("nothing to compare with")

    def test_both_codecs_take_the_same_bytes(self):
        taken = {True: 0, False: 0}
        with Echo() as core:
            for seed in range(6000):
                draw = Draw(seed)
                data = encode(draw.value())
                if seed % 3:
                    data = draw.spoiled(data)
                try:
                    again: bytes | None = encode(decode(data))
                except Refused:
                    again = None
                good, echo = core.ask(data)
                self.assertEqual(good, again is not None, f"seed = {seed}: {data.hex()}: {echo!r}")
                if good:
                    self.assertEqual((echo, again), (data, data), f"seed = {seed}")
                taken[good] += 1
        self.assertGreater(min(taken.values()), 1000)

    def test_both_codecs_have_the_same_limits(self):
        with Echo() as core:
            for levels in (DEPTH_MAX, DEPTH_MAX + 1):
                for data in (b"\x07\x01" * (levels - 1) + b"\x07\x00", b"\x08\x01\x01k" * (levels - 1) + b"\x08\x00"):
                    try:
                        decode(data)
                        good = True
                    except Refused:
                        good = False
                    self.assertEqual((good, core.ask(data)[0]), (levels == DEPTH_MAX,) * 2)

    def test_both_codecs_mean_the_same_values(self):
        with Echo("--json") as core:
            for seed in range(3000):
                x = Draw(seed).value()
                good, text = core.ask(encode(x))
                self.assertTrue(good, f"seed = {seed}: {text!r}")
                self.assertTrue(same(json.loads(text), as_json(x)), f"seed = {seed}: {text!r}")


if __name__ == "__main__":
    unittest.main()
