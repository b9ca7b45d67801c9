#!/usr/bin/env python3
"""Replies of many records, and of a part of one, beside what comes nearest to them in redis-server.

    bench/replies.py [ROUNDS] [KEYS]

MGET of 100 keys; the 100 records from a key on (RANGE; ZRANGEBYLEX of a sorted set, which has no values); one field of a
document of five (JSON.GET; HGET of a hash). 50 connections, keys drawn alike from KEYS (100,000), values of 64 bytes in
strings and of 12 in documents, server and generator on one core each, fresh servers in each round, order alternating.
Told are medians, and the medians of the rounds' ratios. Needs redis-server; builds nothing: cargo build --release
--workspace comes before.
"""
import json
import statistics
import subprocess
import sys
import tempfile

from processes import GENERATOR_CORE, end, pinned, program, start

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
KEYS = sys.argv[2] if len(sys.argv) > 2 else "100000"
DOCUMENT = '{"name":"{value}","age":{int:1..100},"city":"{value}","street":"{value}","number":{int:1..500}}'
HASH = "name {value} age {int:1..100} city {value} street {value} number {int:1..500}"
# What is asked for: (name, pipeline, ours: what is there before and the request, redis-server's)
CASES = [
    ("MGET of 100", 1, ("SET {key} {value}", "mget"), ("SET {key} {value}", "mget"), "64"),
    ("RANGE of 100", 1, ("SET {key} {value}", 'RANGE {key} "" LIMIT 100'),
     ("ZADD all 0 {key}", "ZRANGEBYLEX all [{key} + LIMIT 0 100"), "64"),
    ("JSON.GET of a path", 1, ("JSON.SET {key} $ " + DOCUMENT, "JSON.GET {key} $.city"),
     ("HSET {key} " + HASH, "HGET {key} city"), "12"),
    ("JSON.GET of a path", 16, ("JSON.SET {key} $ " + DOCUMENT, "JSON.GET {key} $.city"),
     ("HSET {key} " + HASH, "HGET {key} city"), "12"),
]


def measure(kind, folder, prefill, request, pipeline, size):
    server, port = start(kind, folder)
    command = [program("loadtest"), "-p", str(port), "-c", "50", "-P", str(pipeline), "-r", KEYS, "-d", size,
               "--keys-per-request", "100", f"--prefill={prefill}", "--command", request, "--warmup", "500ms",
               "--duration", "3", "--json", "--quiet", "--pid", str(server.pid)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=pinned(GENERATOR_CORE))
    end(server)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    report = json.loads(done.stdout)
    return report["rate"], report["watched"][0]["cpu_us_per_request"]


def main():
    print(f"{'':20} {'P':>3} {'ours/s':>10} {'redis/s':>10} {'ratio':>6} {'ours us':>9} {'redis us':>9} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name, pipeline, ours, redis, size in CASES:
            seen = {"hedgerow": [], "redis": []}
            for turn in range(ROUNDS):
                order = [("hedgerow", ours), ("redis", redis)]
                for kind, (prefill, request) in order if turn % 2 == 0 else order[::-1]:
                    seen[kind].append(measure(kind, folder, prefill, request, pipeline, size))
            middle = {kind: [statistics.median(column) for column in zip(*rows)] for kind, rows in seen.items()}
            ratios = [statistics.median(a[column] / b[column] for a, b in zip(seen["hedgerow"], seen["redis"]))
                      for column in (0, 1)]
            print(f"{name:20} {pipeline:3} {middle['hedgerow'][0]:10.0f} {middle['redis'][0]:10.0f} {ratios[0]:6.2f}"
                  f" {middle['hedgerow'][1]:9.2f} {middle['redis'][1]:9.2f} {ratios[1]:6.2f}", flush=True)


if __name__ == "__main__":
    main()
