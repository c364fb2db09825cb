"""From a `define` to a function: loads files, code and pickles, and finds which function was meant."""
from __future__ import annotations

import os
import sys
from types import CodeType, FunctionType, ModuleType

from maze_runner import face, imports
from maze_runner.faults import Failure, from_exception, one_line, quote_sources, sources, traceback_text
from maze_runner.signature import quoted
from maze_runner.values import Refused, decode

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, Callable

DEFINES = 0x1
"""CO_OPTIMIZED: code of a function, not of a class or module. Source: inspect.CO_OPTIMIZED, which takes long to import."""
NO_FUNCTION = "No function definition found"
FIELDS = ("source", "text", "entry", "name", "imports")

defined: dict[str, frozenset[str]] = {}
"""What each module that was executed here defines with `def` at its top."""


class Definition(dict):
    """What a `define` says: `source`, `text`, `entry` and `name`, all text; the last two may be empty.

    With `imports` the code may import no other modules than those, with commas between them.
    """


def definition_of(payload: bytes) -> Definition:
    """Raises Failure with `invalid_payload` for anything else than such a dictionary."""
    try:
        said = decode(payload)
    except Refused as refused:
        raise Failure("invalid_payload", f"a function's definition cannot be read: {refused.why}") from None
    if not isinstance(said, dict) or not {"source", "text"} <= said.keys() <= set(FIELDS) \
            or not all(isinstance(x, str) for x in said.values()):
        raise Failure("invalid_payload", "a function's definition is a dictionary of text with "
                      "'source', 'text' and perhaps 'entry', 'name' and 'imports'")
    return Definition({"entry": "", "name": "", **said})


def load(what: Definition, number: int) -> Callable:
    """The function itself. Executes the user's code, so that all that code does may happen here.

    Raises Failure; lets SystemExit and KeyboardInterrupt pass.
    """
    source = what["source"]
    if "imports" in what:
        imports.restrict(what["imports"])
    # Where a child has no folder, its neighbours are no modules.
    if source in ("code", "pickle") and os.getcwd() != "/":
        find_modules_in(os.getcwd())
    if source == "pickle":
        return unpickled(what)
    if source == "file":
        module = module_of_file(what, number)
    elif source == "code":
        module = module_of_code(what, number)
    else:
        raise Failure("invalid_payload", f"there is no source '{source}'; there are 'file', 'code' and 'pickle'")
    return entry_of(module, what["entry"])


def module_of_file(what: Definition, number: int) -> ModuleType:
    path = what["text"]
    try:
        with open(path, "rb") as file:
            code = file.read()
    except (OSError, ValueError) as failed:
        why = getattr(failed, "strerror", None) or failed
        raise Failure("invalid_payload", f"the file '{path}' cannot be read: {why}") from None
    find_modules_in(os.getcwd(), os.path.dirname(os.path.abspath(path)))
    stem = os.path.basename(path).partition(".")[0]
    taken = stem in sys.modules or stem in sys.stdlib_module_names
    name = f"{stem}_{number}" if taken or not stem.isidentifier() else stem
    return executed(code, path, name, os.path.abspath(path))


def find_modules_in(*folders: str) -> None:
    """The last one goes before all others."""
    for each in folders:
        if each in sys.path:
            sys.path.remove(each)
        sys.path.insert(0, each)


def module_of_code(what: Definition, number: int) -> ModuleType:
    place = f"<{what['name'] or 'code'}>"
    if sources.get(place, what["text"]) != what["text"]:
        place = f"{place[:-1]} {number}>"
    sources[place] = what["text"]
    return executed(what["text"], place, f"maze_code_{number}", None)


def executed(code: str | bytes, place: str, name: str, path: str | None) -> ModuleType:
    """A module of its own, run to its end; tracebacks call it `place`."""
    try:
        ready = compile(code, place, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as wrong:
        raise Failure("invalid_payload", one_line(wrong), place, traceback_text(wrong)) from None
    if isinstance(code, bytes):
        # Lines stay quotable when the user's code goes to another folder.
        sources[place] = code.decode("utf-8", "replace")
    defined[name] = frozenset(x.co_name for x in ready.co_consts
                              if isinstance(x, CodeType) and x.co_flags & DEFINES and x.co_name.isidentifier())
    module = ModuleType(name)
    if path:
        module.__file__ = path
    # Dataclasses, pickle and others look a module up by its name.
    sys.modules[name] = module
    face.tasks.pop(name, None)
    quote_sources()
    try:
        exec(ready, module.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as failed:
        raise from_exception(failed, place) from None
    finally:
        quote_sources()
    return module


def entry_of(module: ModuleType, entry: str) -> Callable:
    """The function that `entry` names; without one the only public function, else `main`."""
    inside = vars(module)
    own = {name: x for name, x in inside.items() if is_own(name, x, module.__name__)}
    public = {name: x for name, x in own.items() if not name.startswith("_")}
    if entry:
        # A task's own name may be that of another function; who gave it meant the task.
        first, *rest = entry.split(".")
        found = face.tasks.get(module.__name__, {}).get(entry) or inside.get(first)
        for part in rest:
            found = getattr(found, part, None)
        if callable(found):
            return found
        if not own:
            raise Failure("invalid_payload", NO_FUNCTION)
        raise Failure("invalid_payload", f"there is no function '{entry}'; there are {quoted(own)}")
    if len({id(x) for x in public.values()}) == 1:
        return next(iter(public.values()))
    if callable(inside.get("main")):
        return inside["main"]
    if not own:
        raise Failure("invalid_payload", NO_FUNCTION)
    raise Failure("invalid_payload", f"it is not clear which function is meant: {quoted(public or own)}; "
                  "name one as the entry, or call it 'main'")


def is_own(name: str, x: Any, module: str) -> bool:
    """Whether `x`, which the module knows by that name, is a function that was defined there, whatever decorators made of it."""
    if name in defined.get(module, ()) and callable(x) and not isinstance(x, type):
        return True
    return (isinstance(x, FunctionType) or hasattr(x, "__maze_task__")) and getattr(x, "__module__", "") == module


def unpickled(what: Definition) -> Callable:
    """Raises Failure, with `unsupported_operation` where a package is missing."""
    import base64
    try:
        found = imports.unpickled(base64.b64decode(what["text"], validate=True))
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        raise Failure("unsupported_operation", f"the pickled function needs the Python package '{package}', which "
                      f"{sys.executable} does not have; install it on every node") from None
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as failed:
        hint = ""
        if "__main__" in str(failed):
            hint = "; pickle keeps only the name of a function: use cloudpickle, or hand in its code"
        raise Failure("invalid_payload", f"the pickled function cannot be read: {one_line(failed)}{hint}", "",
                      traceback_text(failed)) from None
    if not callable(found):
        raise Failure("invalid_payload", f"what was pickled is no function, but {type(found).__qualname__}")
    return found
