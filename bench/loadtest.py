#!/usr/bin/env python3
"""loadtest beside redis-benchmark, both against one redis-server: the table of docs/loadtest.md.

    bench/loadtest.py [ROUNDS] [--realtime]

The server is pinned to one core and the generator to another. In each round both generators send the same number of
the same requests (GET, 50 connections, 100,000 keys, values of 64 bytes) in turn; told are medians, and the medians
of the rounds' ratios. CPU time is what the system charges for the whole process. Then an open loop at half the
highest rate of each pipeline, with the scheduling lag that loadtest reports of itself; with --realtime server and
generator are then scheduled before all else (SCHED_FIFO, as root), which stands for a quiet machine on a busy one.
Needs redis-server and redis-benchmark; builds nothing: cargo build --release -p loadtest comes before.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

from processes import GENERATOR_CORE, before_all_else, end, pinned, program, start

NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
ROUNDS = NUMBERS[0] if NUMBERS else 5
REALTIME = "--realtime" in sys.argv[1:]
REQUESTS = {1: 200_000, 16: 2_000_000, 64: 4_000_000}


def run(command, first=False):
    """What it printed, and its CPU time in seconds."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, preexec_fn=pinned(GENERATOR_CORE, first))
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(f"{command}: status {status}")
        output.seek(0)
        return output.read().decode(), usage.ru_utime + usage.ru_stime


def loadtest(port, *more, first=False):
    arguments = ["-p", port, "-q", "--json", "-c", 50, "-r", 100_000, "-d", 64, "--command", "get", *more]
    text, cpu = run([program("loadtest"), *map(str, arguments)], first)
    return json.loads(text), cpu


def redis_benchmark(port, pipeline, count):
    arguments = ["-p", port, "-c", 50, "-P", pipeline, "-n", count, "-r", 100_000, "-d", 64, "-t", "get", "--csv"]
    text, cpu = run(["redis-benchmark", *map(str, arguments)])
    row = [line for line in text.splitlines() if line.startswith('"GET"')][0]
    return float(row.split(",")[1].strip('"')), cpu


def closed(port, pipeline):
    count = REQUESTS[pipeline]
    rates, costs = {"ours": [], "theirs": []}, {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        report, cpu = loadtest(port, "-P", pipeline, "-n", count)
        rates["ours"].append(report["rate"])
        costs["ours"].append(cpu / count * 1e6)
        rate, cpu = redis_benchmark(port, pipeline, count)
        rates["theirs"].append(rate)
        costs["theirs"].append(cpu / count * 1e6)
    ratio = lambda values: statistics.median(a / b for a, b in zip(values["ours"], values["theirs"]))
    median = lambda values: statistics.median(values)
    print(
        f"| {pipeline} | {median(rates['ours']) / 1e3:.0f} k / {median(rates['theirs']) / 1e3:.0f} k | {ratio(rates):.2f}"
        f" | {median(costs['ours']):.3f} / {median(costs['theirs']):.3f} us | {ratio(costs):.2f} |",
        flush=True,
    )
    return max(rates["ours"])


def opened(port, pipeline, peak):
    lags, reached, responses, busy = [], [], [], []
    for _ in range(ROUNDS):
        rate = int(peak / 2)
        report, _ = loadtest(port, "-P", pipeline, "--rate", rate, "--duration", 2, "--warmup", 0.3, first=REALTIME)
        lags.append(report["generator"]["lag_us"]["p99"])
        responses.append(report["latency_us"]["p99"])
        reached.append(report["rate"] / report["rate_asked"])
        busy.append(report["generator"]["cpu_percent"])
    print(
        f"| {pipeline} | {peak / 2e3:.0f} k | {statistics.median(reached):.3f} | {statistics.median(lags):.0f} us"
        f" ({min(lags):.0f} to {max(lags):.0f}) | {statistics.median(responses):.0f} us | {statistics.median(busy):.0f} % |",
        flush=True,
    )


with tempfile.TemporaryDirectory() as folder:
    server, port = start("redis", folder)
    try:
        loadtest(port, "--prefill", "-n", 1)
        print("| pipeline | requests/s, loadtest / redis-benchmark | ratio | generator CPU a request | ratio |")
        print("|---|---|---|---|---|")
        peaks = {pipeline: closed(port, pipeline) for pipeline in REQUESTS}
        print("\n| pipeline | asked for a second | answered of it | lag p99 (rounds) | response p99 | generator CPU |")
        print("|---|---|---|---|---|---|")
        if REALTIME:
            before_all_else(server.pid)
        for pipeline, peak in peaks.items():
            opened(port, pipeline, peak)
    finally:
        end(server)
