#!/usr/bin/env python3
"""Medians of two files with one JSON report of loadtest a line, and their ratios."""
import json
import statistics
import sys

command, pipeline, ours, redis = sys.argv[1:]


def medians(path):
    with open(path) as file:
        text = file.read()
    decoder, at, reports = json.JSONDecoder(), 0, []
    while at < len(text.rstrip()):
        report, at = decoder.raw_decode(text, at)
        reports.append(report)
        at += len(text[at:]) - len(text[at:].lstrip())
    rate = statistics.median(report["rate"] for report in reports)
    cpu = statistics.median(report["watched"][0]["cpu_us_per_request"] for report in reports)
    return rate, cpu


(our_rate, our_cpu), (redis_rate, redis_cpu) = medians(ours), medians(redis)
print(
    f"{command:4} {pipeline:4} {our_rate:12.0f} {redis_rate:12.0f} {our_rate / redis_rate:8.2f}"
    f" {our_cpu:12.3f} {redis_cpu:12.3f} {our_cpu / redis_cpu:8.2f}"
)
