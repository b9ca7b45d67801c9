#!/usr/bin/env python3
"""What becomes of a server at ten times the load that it can bear: the table of docs/testing.md.

    bench/overload.py [ROUNDS] [hedgerow] [redis] [--realtime]

In each round, for each server a fresh process: the highest rate that a closed loop finds (the peak), then an open loop
that asks for ten times as much, by a schedule that knows nothing of answers (GET, 50 connections, 100,000 keys, values of
64 bytes). A request is accepted when a connection takes it: of the others loadtest says how many were never sent. Told
are the answers a second and the 99th percentile of the time from a request's sending to its answer, in both, and the
medians of the rounds' ratios.

Server and generator are pinned to a core each; peak and overload follow each other at once, so that what else the machine
does hits both. With --realtime both are scheduled before all else (SCHED_FIFO, as root), which stands for a quiet
machine on a busy one. Builds nothing: cargo build --release -p hedgerow -p loadtest comes before. Needs redis-server for redis.
"""
import json
import statistics
import subprocess
import sys
import tempfile

from processes import GENERATOR_CORE, end, pinned, program, start

NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
KINDS = [word for word in sys.argv[1:] if word.isalpha()] or ["hedgerow"]
REALTIME = "--realtime" in sys.argv[1:]
ROUNDS = NUMBERS[0] if NUMBERS else 5
SECONDS = 2
FACTOR = 10
CASES = [(50, 1), (50, 16), (500, 1), (500, 16)]
# A server's arguments beside its address.
MORE = {"hedgerow": ["--request-log", "off", "--log-level", "error"], "redis": []}


def load(port, *more):
    command = [program("loadtest"), "-p", port, "-q", "--json", "-r", 100_000, "-d", 64, "--command", "get", *more]
    prepare = pinned(GENERATOR_CORE, REALTIME)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, preexec_fn=prepare)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr}")
    return json.loads(done.stdout)


def measure(kind, folder):
    """Of each case: peak and overload, as (rate, p99 in microseconds)."""
    server, port = start(kind, folder, *MORE[kind], first=REALTIME)
    try:
        load(port, "--prefill", "-n", 1)
        found = []
        for connections, pipeline in CASES:
            shape = ["-c", connections, "-P", pipeline, "--duration", SECONDS, "--warmup", 0.3]
            peak = load(port, *shape)
            over = load(port, *shape, "--rate", int(FACTOR * peak["rate"]))
            found.append([(report["rate"], report["service_us"]["p99"]) for report in (peak, over)])
        return found
    finally:
        end(server)


def main():
    rounds = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for kind in KINDS if number % 2 == 0 else KINDS[::-1]:
                rounds[kind].append(measure(kind, folder))
    median = statistics.median
    print("| server | c | P | peak | at ten times | goodput | p99 at the peak | at ten times | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in KINDS:
        for index, (connections, pipeline) in enumerate(CASES):
            cases = [found[index] for found in rounds[kind]]
            peak, over = ([case[which] for case in cases] for which in (0, 1))
            goodput = median(b[0] / a[0] for a, b in zip(peak, over))
            slower = median(b[1] / a[1] for a, b in zip(peak, over))
            print(
                f"| {kind} | {connections} | {pipeline} | {median(a[0] for a in peak) / 1e3:.0f} k |"
                f" {median(b[0] for b in over) / 1e3:.0f} k | {goodput:.2f} | {median(a[1] for a in peak) / 1e3:.2f} ms |"
                f" {median(b[1] for b in over) / 1e3:.2f} ms | {slower:.2f} |",
                flush=True,
            )


main()
