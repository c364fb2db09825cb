#!/usr/bin/env python3
"""The child that runs Python functions. Started by a node, never by people: see README.md.

    python3 -I -B runner.py [--once] [--result-max BYTES]
    python3 -I -B runner.py --describe FILE

Calls come on descriptor 3. Without --once that is a socket, which takes the replies, too, and descriptor 4 is a page that
counts the calls begun. With --once both are files; with --describe the second one is, and gets what FILE offers. Exit codes: 0 done, 1 refused, 2 wrong use, 70 what came is no message;
or what the function's own sys.exit says.
"""
import os
import sys

# Not by sys.path: functions find their own neighbours and not ours, and the folder that this file is in may be one that a child
# cannot list.
PACKAGE = type(sys)("maze_runner")
PACKAGE.__path__ = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "maze_runner")]
sys.modules[PACKAGE.__name__] = PACKAGE
from maze_runner.start import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
