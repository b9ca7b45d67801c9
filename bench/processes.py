"""What the benchmarks share: processes on a core of their own, and servers that are ready."""
import os
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RELEASE = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "release")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, GENERATOR_CORE = CORES[0], CORES[-1]


def program(name):
    """Where a program of ours lies that was built before."""
    return os.path.join(RELEASE, name)


def before_all_else(pid):
    """A process (0: this one) is scheduled as if the machine did nothing else (SCHED_FIFO, as root)."""
    os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(20))


def pinned(core, first=False):
    """What a child does before it becomes its program: it stays on one core, `first` before all else."""

    def prepare():
        os.sched_setaffinity(0, {core})
        if first:
            before_all_else(0)

    return prepare


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(kind, folder, *more, first=False):
    """A server of this kind on the servers' core that takes connections, and its port. `more`: its further arguments."""
    port = free_port()
    command = {
        "hedgerow": [program("kv-server"), "-a", "127.0.0.1", "-p", str(port)],
        "redis": ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    }[kind]
    command.extend(more)
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        command, cwd=folder, stdout=quiet, stderr=quiet, preexec_fn=pinned(SERVER_CORE, first)
    )
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except OSError:
            if server.poll() is not None:
                raise SystemExit(f"{command}: status {server.returncode}") from None
            time.sleep(0.02)


def end(server):
    server.kill()
    server.wait()
