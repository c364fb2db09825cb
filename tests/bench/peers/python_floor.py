#!/usr/bin/env python3
"""The child of relay_floor in Python: reads calls from fd 3, calls a function for each, writes the results.

    relay_floor independent N --child /usr/bin/python3 -S python_floor.py
"""
import socket
import struct

CALL = struct.Struct("<QQ")


def following(value):
    return value + 1


def main():
    master = socket.socket(fileno=3)
    rest = b""
    while data := master.recv(1 << 16):
        data = rest + data
        whole = len(data) // CALL.size * CALL.size
        rest = data[whole:]
        master.sendall(b"".join(CALL.pack(task, following(value)) for task, value in CALL.iter_unpack(data[:whole])))


if __name__ == "__main__":
    main()
