"""Processes of peers: started, told apart by their CPU time and memory, and ended by their ids."""
import atexit
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
STARTED = []


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **options):
    """A process without input and output that ends at the latest with this one."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=_die_with_parent, **options)
    STARTED.append(process)
    return process


def stop_all():
    for process in reversed(STARTED):
        process.terminate()
    for process in STARTED:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    STARTED.clear()


atexit.register(stop_all)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(command_for):
    """(process, port) of the server that `command_for(port)` starts, once it takes connections."""
    for _ in range(3):
        port = free_port()
        process = start(command_for(port))
        end = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return process, port
            except OSError:
                time.sleep(0.02)
    raise SystemExit(f"{command_for(0)[0]} does not start")


def cpu_us(process):
    """Microseconds that a running process has used, with all its threads."""
    clock = ctypes.c_int()
    if LIBC.clock_getcpuclockid(process.pid, ctypes.byref(clock)):
        raise SystemExit(f"process {process.pid} has ended early")
    return time.clock_gettime(clock.value) * 1e6


def memory_bytes(process):
    """What a process holds in memory."""
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def figure(shape, count, value, unit, **more):
    print(json.dumps({"shape": shape, "n": count, "value": round(value, 3), "unit": unit,
                      **{name: round(number, 3) for name, number in more.items()}}), flush=True)
