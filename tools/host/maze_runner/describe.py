"""What a Python file offers: its public functions and those that `@task` marks, as a `core::library_set`."""
from __future__ import annotations

import inspect
import sys
from types import ModuleType

from maze_runner import face
from maze_runner.definition import Definition, is_own, module_of_file
from maze_runner.faults import text
from maze_runner.values import Refused, encode, varint

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, Callable

TYPES = {"none": "null", "nonetype": "null", "bool": "bool", "int": "int", "float": "float", "str": "string",
         "string": "string", "bytes": "bytes", "list": "list", "tuple": "list", "dict": "dict", "filepath": "path",
         "folderpath": "path", "path": "path", "any": "any"}
"""What annotations and the words of `@task` mean; all else is `any`."""
AMOUNTS = ("cpus", "cpu_num", "memory", "mem", "gpus", "gpu")
"""What `@task(resources=...)` says that has a unit."""
FITTING = {"null": type(None), "bool": bool, "int": int, "float": float, "string": str, "path": str, "bytes": bytes,
           "list": list, "dict": dict}
NO_VALUE = b"\x01\x01\x00"
"""A default, null, as an optional value."""
UNITS = {"": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "kib": 2**10, "mib": 2**20,
         "gib": 2**30}


def describe(path: str) -> bytes:
    """An encoded `core::library_set` of one library. Executes the file. Raises Failure, and what the file raises to end."""
    module = module_of_file(Definition(source="file", text=path, entry="", name=""), 0)
    offered = functions_of(module)
    version, _, build = sys.version.partition(" ")
    compiler = build.rpartition("[")[2].rstrip("]")
    out = b"\x03\x01" + text(module.__name__) + text(version) + text(compiler) + varint(len(offered))
    out += b"".join(signature(name, function) for name, function in sorted(offered.items()))
    # What is odd was printed.
    return out + varint(0)


def functions_of(module: ModuleType) -> dict[str, Callable]:
    """By the name that an entry gives; a task's own name goes before that of another function."""
    own = {name: x for name, x in vars(module).items()
           if is_own(name, x, module.__name__) and not name.startswith("_")}
    tasks = face.tasks.get(module.__name__, {})
    marked = {id(x) for x in tasks.values()}
    plain = {name: x for name, x in own.items() if id(x) not in marked}
    return {name: x for name, x in (plain | tasks).items() if is_nameable(name, x)}


def is_nameable(name: str, function: Callable) -> bool:
    """Whether a workflow can name it and all of its parameters. Says so on standard error where it cannot."""
    if not (name.isascii() and name.replace("-", "_").isidentifier()):
        print(f"maze: the function '{name}' is left out: a workflow names it with letters of ASCII, digits, '_' and '-'",
              file=sys.stderr)
        return False
    try:
        odd = [x for x in inspect.signature(function).parameters if not x.isascii()]
    except (TypeError, ValueError):
        odd = []
    if odd:
        print(f"maze: the function '{name}' is left out: no workflow can name its parameter '{odd[0]}'", file=sys.stderr)
    return not odd


def signature(name: str, function: Callable) -> bytes:
    said = getattr(function, "__maze_task__", {})
    description = said.get("description")
    if description is None:
        description = function.__doc__ or ""
    out = text(name) + text(inspect.cleandoc(str(description)))
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        found = inspect.Signature()
    ways = inspect.Parameter
    named = [x for x in found.parameters.values()
             if x.kind not in (ways.VAR_POSITIONAL, ways.VAR_KEYWORD)]
    out += varint(len(named))
    for each in named:
        kind = declared(said.get("input_parameters"), each.name) or type_of(each.annotation, each.empty)
        out += text(each.name)
        default = b"\x00" if each.default is each.empty else encoded_default(each.default, kind)
        if default is None:
            kind, default = "any", b"\x00" if each.default is each.empty else encoded_default(each.default, "any")
        # There is one, which only Python knows.
        out += text(kind) + (default or NO_VALUE)
    result = declared_result(said.get("output_parameters")) or type_of(found.return_annotation, found.empty)
    return out + text(result) + needs_of(said.get("resources")) + remarks_of(said.get("resources"))


def encoded_default(default: Any, kind: str) -> bytes | None:
    """An optional value; None where the type does not fit or nobody else would understand it."""
    if kind != "any" and type(default) is not FITTING[kind]:
        return None
    try:
        data = encode(default, 1 << 16)
    except Refused:
        return None
    return b"\x01" + varint(len(data)) + data


def type_of(annotation: Any, empty: Any) -> str:
    if annotation is empty:
        return "any"
    if annotation is None:
        return "null"
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "any")
    return TYPES.get(name.partition("[")[0].strip().rpartition(".")[2].lower(), "any")


def declared(parameters: Any, name: str) -> str | None:
    """The type that `@task(input_parameters=...)` gives to a parameter: `{"path": "filepath"}`, or with a dictionary of
    details that has a `type`."""
    if not isinstance(parameters, dict) or name not in parameters:
        return None
    found = parameters[name]
    if isinstance(found, dict):
        found = found.get("type")
    if isinstance(found, type):
        found = found.__name__
    return TYPES.get(found.lower(), "any") if isinstance(found, str) else None


def declared_result(parameters: Any) -> str | None:
    """The type that `@task(output_parameters=...)` gives to what is returned: that of the one output, or a dictionary of
    several."""
    if not isinstance(parameters, dict) or not parameters:
        return None
    return declared(parameters, next(iter(parameters))) if len(parameters) == 1 else "dict"


def needs_of(resources: Any) -> bytes:
    """An optional `core::resources` of `@task(resources={"cpu_num": 2, "mem": "1GB", "gpu": 1})`, where `mem` without a unit
    is in MB; what it means otherwise is not for maze to say."""
    if not isinstance(resources, dict):
        return b"\x00"
    cpus = number(resources.get("cpus", resources.get("cpu_num", 1)), 1)
    memory = amount(resources.get("memory", 0)) or amount(resources.get("mem", 0), 10**6)
    # A kind of resource that is a GPU means one.
    gpus = number(resources.get("gpus", resources.get("gpu", resources.get("type") == "gpu")), 0)
    return b"\x01" + varint(round(cpus * 1000)) + varint(memory) + varint(round(gpus))


def remarks_of(resources: Any) -> bytes:
    """What else `@task(resources={"type": "gpu", "gpu_mem": "8GB", "model_name": "bert", "backend": "torch"})` says, as a
    dictionary of text."""
    if not isinstance(resources, dict):
        return varint(0)
    said = {str(key): str(x) for key, x in resources.items() if str(key) and x is not None and not is_amount(key, x)}
    return varint(len(said)) + b"".join(text(key) + text(said[key]) for key in sorted(said, key=lambda x: x.encode()))


def is_amount(key: Any, x: Any) -> bool:
    """Whether `needs_of` takes it."""
    if key in ("memory", "mem"):
        return bool(amount(x))
    return key in AMOUNTS and number(x, -1) >= 0


def number(x: Any, otherwise: float) -> float:
    return x if isinstance(x, (int, float)) and 0 <= x <= 4_000_000 else otherwise


def amount(x: Any, unit_of_numbers: int = 1) -> int:
    """Bytes, as a number or as text with a unit; 0 where it is neither."""
    if isinstance(x, (int, float)):
        found = x * unit_of_numbers
        return int(found) if 0 <= found < 2**63 else 0
    digits = str(x).strip()
    unit = digits.lstrip("0123456789.")
    try:
        found = int(float(digits[:len(digits) - len(unit)]) * UNITS[unit.strip().lower()])
        return found if found < 2**63 else 0
    except (KeyError, ValueError, OverflowError):
        return 0
