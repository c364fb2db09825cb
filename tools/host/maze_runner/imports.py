"""Which modules the user's code may import: it keeps honest code honest. What holds code that is not is the sandbox."""
from __future__ import annotations

import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any

ALWAYS = frozenset(("maze", "__future__"))
IN_PICKLES = frozenset(("builtins", "cloudpickle", "copyreg", "types"))
"""What pickles of functions are made of, whatever the functions do."""

allowed: frozenset[str] | None = None
"""First parts of the names; None: any. A child belongs to one sandbox, so all of its functions share them."""
libraries: tuple[str, ...] = ()
"""Folders of modules that may import what they need."""


def restrict(names: str) -> None:
    """From now on: `names` with commas between them, perhaps none at all."""
    global allowed, libraries
    if allowed is None:
        import sysconfig
        paths = sysconfig.get_paths()
        own = os.path.dirname(os.path.abspath(__file__))
        found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib") if key in paths}
        found.update(x for x in sys.path if x.endswith(("-packages", "lib-dynload")))
        libraries = tuple(os.path.join(x, "") for x in (*found, own))
        real = builtins.__import__

        def checked(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
            # Code in C imports with an empty list, on behalf of a module that was allowed.
            of_c = type(fromlist) is list and not fromlist
            if level == 0 and not of_c and not is_library(sys._getframe(1).f_globals):
                check(name)
            return real(name, globals, locals, fromlist, level)

        builtins.__import__ = checked
    allowed = frozenset(x for x in names.split(",") if x)


def is_library(inside: Any) -> bool:
    """Whether a module with these globals came with the interpreter, or was installed for it."""
    spec = inside.get("__spec__") if isinstance(inside, dict) else None
    origin = getattr(spec, "origin", None)
    return isinstance(origin, str) and (origin in ("built-in", "frozen") or origin.startswith(libraries))


def check(name: str, more: frozenset[str] = frozenset()) -> None:
    """Raises ImportError for a module that may not be imported."""
    top = name.partition(".")[0]
    if allowed is None or top in allowed or top in ALWAYS or top in more:
        return
    these = ", ".join(sorted(allowed)) or "none"
    raise ImportError(f"the task's sandbox does not let it import '{top}': add it to `imports` ({these})", name=top)


def unpickled(data: bytes) -> Any:
    """As `pickle.loads`, but what it names must be importable."""
    import pickle
    if allowed is None:
        return pickle.loads(data)

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            check(module, IN_PICKLES)
            return super().find_class(module, name)

    import io
    return Reader(io.BytesIO(data)).load()
