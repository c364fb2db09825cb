"""From the command line to calls: what runner.py does, apart from it so that Python keeps it compiled."""
from __future__ import annotations

import fcntl
import mmap
import os
import sys

from maze_runner import face, frames, host, values
from maze_runner.faults import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:  # The module takes longer to import than all of ours together.
    from typing import NoReturn

PAGE = 4096
HIGH = (500, 250, 120, 60, 30, 10)
"""Where the descriptors go, the first that the limit allows: out of the way of the functions' own."""


def out_of_the_way(fd: int) -> int:
    """The same file under a high number that programs started by functions do not inherit."""
    for lowest in HIGH:
        try:
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
        os.close(fd)
        return moved
    os.set_inheritable(fd, False)
    return fd


def options(words: list[str]) -> tuple[bool, bool, bool, int]:
    """Whether --once, --fork and --memory-limited are there, and the largest result in bytes. Ends the process where they are wrong.

    `--describe FILE` stands alone, and is not for this.
    """
    once, forks, limited, result_max = False, False, False, values.SIZE_MAX
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--once":
            once = True
        elif word == "--fork":
            forks = True
        elif word == "--memory-limited":
            limited = True
        elif word == "--result-max" and words and words[0].isdecimal():
            # A reply is one entry of one message.
            result_max = min(int(words.pop(0)), frames.SIZE_MAX - host.FLUSH_SIZE - (1 << 20))
        else:
            print(f"runner.py: '{word}' is not understood; usage: runner.py [--once | --fork [--memory-limited]] [--result-max BYTES], or "
                  "runner.py --describe FILE", file=sys.stderr)
            sys.exit(2)
    return once, forks, limited, result_max


def progress_page(fd: int) -> memoryview:
    """The words of the page that is shared with whoever gave it: calls begun, bytes in use, startup token."""
    page = mmap.mmap(fd, PAGE)
    return memoryview(page).cast("Q")[:3]


def serve(once: bool, forks: bool, limited: bool, result_max: int, fd: int, second: int) -> int:
    """The exit status."""
    child = host.Host(result_max)
    try:
        if once:
            host.serve_once(child, fd, second)
            return 0
        os.set_blocking(fd, True)
        try:
            page = progress_page(second)
        except (OSError, ValueError) as wrong:
            refused = Failure("io_error", f"the page that counts calls cannot be mapped: {wrong}", "runner.py")
            host.write(fd, host.message_of(frames.REFUSED, 0, 0, refused.encoded()))
            return 1
        os.close(second)
        if forks:
            # Costs more to import than most children have to give.
            from maze_runner.forks import Forks
            Forks(child, fd, page, limited).serve()
        else:
            host.Stream(child, fd, page).serve()
        return 0
    except (BrokenPipeError, ConnectionResetError):
        return 0  # Nobody waits for replies any more.
    except (frames.Garbage, OSError) as wrong:
        end_broken(wrong)


def end_broken(wrong: Exception) -> NoReturn:
    """Ends the process with `host.GARBAGE`. An interpreter that ends in peace has a status of its own where nobody takes
    what was printed."""
    try:
        print(f"runner.py: {wrong}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass
    os._exit(host.GARBAGE)


def describe_file(path: str, fd: int) -> int:
    """Writes what the file offers, or why it cannot be said, to a file of the node's."""
    from maze_runner.describe import describe
    try:
        answer = host.message_of(frames.READY, 0, frames.PROTOCOL, describe(path))
    except Failure as failure:
        answer = host.message_of(frames.REFUSED, 0, 0, failure.encoded())
    host.write(fd, answer)
    return 0


def main() -> int:
    """The exit status; lets SystemExit of the functions pass."""
    sys.modules["maze"] = face
    face.__name__ = "maze"
    file = sys.argv[2] if len(sys.argv) == 3 and sys.argv[1] == "--describe" else None
    once, forks, limited, result_max = options([] if file else sys.argv[1:])
    try:
        fd, second = out_of_the_way(3), out_of_the_way(4)
    except OSError as wrong:
        print(f"runner.py: descriptors 3 and 4 are for a node to give: {wrong}", file=sys.stderr)
        return 2
    del sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        # Lines are out as they are written: who follows the logs sees them, and a crash loses none.
        if stream:
            stream.reconfigure(encoding="utf-8", errors="surrogateescape", line_buffering=True)
    return describe_file(file, second) if file else serve(once, forks, limited, result_max, fd, second)
