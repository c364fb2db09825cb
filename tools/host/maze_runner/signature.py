"""Which arguments a function takes, and whether those at hand fit."""
from __future__ import annotations

from types import FunctionType

from maze_runner.faults import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, Callable

VARIADIC, KEYWORDS = 4, 8
"""Bits of `co_flags`: there is `*args`, `**kwargs`."""

DICTIONARIES = frozenset(("dict", "Dict", "Mapping", "MutableMapping"))
"""What a parameter is annotated with that may take all arguments as one dictionary."""


class Signature:
    """The parameters of a function by the way they may be given, and which may be left out.

    `by_position` stand before a slash, `by_name` behind a star; `variadic` and `keywords` tell of `*args` and `**kwargs`.
    `takes_all`: the only parameter is made for all arguments by name together, as its name or its annotation says.
    """
    __slots__ = ("by_position", "by_both", "by_name", "names", "defaults", "variadic", "keywords", "takes_all")

    def __init__(self, groups: tuple[tuple[str, ...], ...], defaults: frozenset[str], annotations: dict[str, Any], *,
                 variadic: bool, keywords: bool) -> None:
        self.by_position, self.by_both, self.by_name = groups
        self.names = self.by_position + self.by_both + self.by_name
        self.defaults = defaults
        self.variadic = variadic
        self.keywords = keywords
        self.takes_all = (len(self.names) == 1 and not keywords and not defaults
                          and (self.names[0] == "params" or is_dictionary(annotations.get(self.names[0]))))


def is_dictionary(annotation: Any) -> bool:
    """Also of one that is text, as behind `from __future__ import annotations`."""
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2].strip() in DICTIONARIES
    return getattr(getattr(annotation, "__origin__", annotation), "__name__", None) in DICTIONARIES


def signature_of(function: Callable) -> Signature | None:
    """None where Python does not know, as for some functions written in C."""
    if type(function) is not FunctionType or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return inspected(function)
    # The module inspect says the same, and takes as long to import as Python to start.
    code = function.__code__
    names = code.co_varnames
    placed = names[:code.co_argcount]
    named = names[code.co_argcount:code.co_argcount + code.co_kwonlyargcount]
    late = len(function.__defaults__ or ())
    defaults = frozenset(placed[len(placed) - late:]) | frozenset(function.__kwdefaults__ or ())
    return Signature((placed[:code.co_posonlyargcount], placed[code.co_posonlyargcount:], named), defaults,
                     function.__annotations__, variadic=bool(code.co_flags & VARIADIC), keywords=bool(code.co_flags & KEYWORDS))


def inspected(function: Callable) -> Signature | None:
    import inspect
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    ways = inspect.Parameter
    groups = tuple(tuple(each.name for each in found if each.kind is way)
                   for way in (ways.POSITIONAL_ONLY, ways.POSITIONAL_OR_KEYWORD, ways.KEYWORD_ONLY))
    return Signature(groups, frozenset(each.name for each in found if each.default is not each.empty),
                     {each.name: each.annotation for each in found},
                     variadic=any(each.kind is ways.VAR_POSITIONAL for each in found),
                     keywords=any(each.kind is ways.VAR_KEYWORD for each in found))


def quoted(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


def misfit(function: str, takes: Signature, why: str) -> Failure:
    return Failure("invalid_payload", f"{why}; {function} takes {quoted(takes.names)}", function)


def without_value(names: list[str]) -> str:
    several = len(names) > 1
    return f"parameter{'s' * several} {quoted(names)} {'have' if several else 'has'} no value and no default"


def bind_list(function: str, takes: Signature | None, args: list) -> tuple[list, dict]:
    """Arguments by position. Raises Failure, naming the parameters."""
    if takes is None:
        return args, {}
    placed = takes.by_position + takes.by_both
    if len(args) > len(placed) and not takes.variadic:
        raise misfit(function, takes, f"{len(args)} arguments by position are more than {len(placed)}")
    left = [name for name in placed[len(args):] + takes.by_name if name not in takes.defaults]
    if left:
        raise misfit(function, takes, without_value(left))
    return args, {}


def bind_dict(function: str, takes: Signature | None, args: dict) -> tuple[list, dict]:
    """Arguments by name; a function whose only parameter is made for that gets all of them where none has its name.

    Raises Failure, naming the parameters.
    """
    if takes is None:
        return [], args
    names = takes.names
    if takes.takes_all and names[0] not in args:
        return ([], {names[0]: args}) if takes.by_name else ([args], {})
    left = [name for name in names if name not in args and name not in takes.defaults]
    unknown = [] if takes.keywords else [name for name in args if name not in names]
    if left or unknown:
        why = [without_value(left)] * bool(left) + [f"there is no parameter {quoted(unknown)}"] * bool(unknown)
        raise misfit(function, takes, ", and ".join(why))
    if not takes.by_position:
        return [], args
    # What stands before the slash is given by position; a gap there ends it, as all after it have defaults.
    first = []
    for name in takes.by_position:
        if name not in args:
            break
        first.append(args[name])
    skipped = [name for name in takes.by_position[len(first):] if name in args]
    if skipped:
        raise misfit(function, takes, f"parameter '{takes.by_position[len(first)]}' needs a value, "
                     f"as '{skipped[0]}' has one")
    return first, {name: x for name, x in args.items() if name not in takes.by_position}
