"""What user code gets as the module `maze`."""
from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import Any, Callable

__all__ = ["task"]

tasks: dict[str, dict[str, Callable]] = {}
"""The tasks of each module, by the name that they were given."""


def task(function: Callable | None = None, *, name: str | None = None, description: str | None = None,
         input_parameters: Any = None, output_parameters: Any = None, resources: Any = None) -> Callable:
    """Marks a function as a task, with or without parentheses; it stays the function it was.

    `name` is a second name by which an `entry` may ask for it. All is kept as `__maze_task__`. Where two tasks of
    a module have one name, the later counts, with a warning.
    """
    if function is None:
        return lambda marked: task(marked, name=name, description=description, input_parameters=input_parameters,
                                   output_parameters=output_parameters, resources=resources)
    if not callable(function):
        raise TypeError("@task marks functions; give everything else by keyword, as in @task(name='parse')")
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise ValueError("@task: a name is text that is not empty; leave it out, and the function's own counts")
    known_as = name or function.__name__
    doc = (function.__doc__ or "").strip()
    function.__maze_task__ = {
        "name": known_as, "description": doc if description is None else description,
        "input_parameters": input_parameters, "output_parameters": output_parameters, "resources": resources}
    siblings = tasks.setdefault(function.__module__, {})
    if siblings.get(known_as, function) is not function:
        print(f"maze: there are two tasks named '{known_as}', the later counts", file=sys.stderr)
    siblings[known_as] = function
    return function
