#!/usr/bin/env python3
"""How long answers are missing while a server is killed or stopped.

    outage.py KILL|STOP PID BROKER ARGUMENT...

Starts the broker, keeps a window of SETs and GETs on its console busy, signals the server's process after a second,
and prints the longest time between two answers from then on. A stopped server is continued at the end.
"""
import os
import signal
import subprocess
import sys
import threading
import time

name, pid, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
WINDOW, SECONDS = 64, 6

broker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
free = threading.Semaphore(WINDOW)
stop = threading.Event()


def write():
    number = 0
    while not stop.is_set():
        free.acquire()
        number += 1
        line = f"SET k{number % 1000} {number}\n" if number % 2 else f"GET k{number % 1000}\n"
        broker.stdin.write(line.encode())
        broker.stdin.flush()
    broker.stdin.close()


answers, failures, longest = 0, 0, 0.0
start = time.monotonic()
last, hit = start, None
writer = threading.Thread(target=write)
writer.start()
for line in broker.stdout:
    now = time.monotonic()
    answers += 1
    failures += b"UNAVAILABLE" in line or b"UNCERTAIN" in line
    free.release()
    if hit is None and now - start > 1:
        os.kill(pid, getattr(signal, "SIG" + name))
        hit = last = now
    if hit is not None:
        longest = max(longest, now - last)
    last = now
    if now - start > SECONDS:
        stop.set()
        break
if name == "STOP":
    os.kill(pid, signal.SIGCONT)
broker.kill()
broker.wait()
print(f"SIG{name}: longest time without an answer {longest * 1000:.0f} ms, {answers} answers, {failures} refused or uncertain")
os._exit(0)
