#!/usr/bin/env bash
# The figures of the README, taken side by side in one run on this machine.
#
#   bench/figures.sh [load] [console] [server] [outage] [idle]      all without an argument
#
# Server and load generator are pinned to one core each. `server` needs redis-server; it is left out with a note where
# that is absent. Nothing but loopback is used; every process that is started is ended.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=("$@")
[ ${#jobs[@]} -gt 0 ] || jobs=(load console server outage idle)
cargo build --release --workspace --locked 2>/dev/null
bin=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

end() { kill -9 "$@" 2>/dev/null || true; }

records=${RECORDS:-1000000}
data() {
  [ -f "$work/data.txt" ] || "$bin/create-data" -k samples/keyFile.txt -n "$records" -d 0 -l 8 -m 5 --seed 1 \
    -o "$work/data.txt" 2>/dev/null
}

# Starts a server that prints its port; sets $port and $pid.
start_server() {
  local core=$1
  local file
  file=$(mktemp "$work/out.XXXXXX")
  taskset -c "$core" "$bin/kv-server" -a 127.0.0.1 -p 0 >"$file" 2>/dev/null &
  pid=$!
  disown "$pid" # its end is no news
  pids+=("$pid")
  until grep -q ready "$file"; do sleep 0.02; done
  port=$(sed 's/.*://' "$file" | tail -n 1)
}

three_servers() {
  : >"$work/servers.txt"
  servers=()
  for _ in 1 2 3; do
    start_server 0,1
    servers+=("$pid")
    echo "127.0.0.1 $port" >>"$work/servers.txt"
  done
}

load() {
  data
  for _ in 1 2 3; do
    "$bin/kv-broker" -i "$work/data.txt" -k 2 </dev/null 2>&1 | grep -o 'loaded.*' || true
  done
}

console() {
  data
  awk -v n=500000 -v r="$records" 'BEGIN { srand(1); for (i = 0; i < n; i++) print "GET person" int(rand() * r) }' \
    >"$work/gets.txt"
  for _ in 1 2 3; do
    three_servers
    "$bin/kv-broker" -s "$work/servers.txt" -k 2 -i "$work/data.txt" </dev/null >/dev/null 2>&1
    local begin end
    begin=$(date +%s%N)
    "$bin/kv-broker" -s "$work/servers.txt" -k 2 --no-load <"$work/gets.txt" >"$work/answers.txt" 2>/dev/null
    end=$(date +%s%N)
    [ "$(wc -l <"$work/answers.txt")" = 500000 ] || echo "console: answers are missing"
    awk -v ns=$((end - begin)) 'BEGIN { printf "piped console: %d GET/s\n", 500000 / (ns / 1e9) }'
    end "${servers[@]}"
  done
}

# One round: rate and CPU of the server per request, against the server at $1 (port) with process $2.
round() {
  taskset -c 1 "$bin/loadtest" --port "$1" --pid "$2" -c 50 -P "$3" --command "$4" -r 100000 -d 64 --prefill \
    --warmup 0.5 --duration "${SECONDS_EACH:-3}" --json 2>/dev/null
}

server() {
  if ! command -v redis-server >/dev/null; then
    echo "server: redis-server is not installed; left out"
    return
  fi
  printf '%-4s %-4s %12s %12s %8s %12s %12s %8s\n' op P ours/s redis/s ratio ours_us redis_us ratio
  for pipeline in 1 16 64; do
    for command in get set; do
      : >"$work/ours"; : >"$work/redis"
      for _ in 1 2 3; do
        start_server 0
        round "$port" "$pid" "$pipeline" "$command" >>"$work/ours"
        end "$pid"
        local redis_port=$((26000 + RANDOM % 1000))
        taskset -c 0 redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no >/dev/null &
        local redis_pid=$!
        disown "$redis_pid"
        pids+=("$redis_pid")
        until redis-cli -p "$redis_port" ping >/dev/null 2>&1; do sleep 0.02; done
        round "$redis_port" "$redis_pid" "$pipeline" "$command" >>"$work/redis"
        end "$redis_pid"
      done
      python3 bench/ratio.py "$command" "$pipeline" "$work/ours" "$work/redis"
    done
  done
}

outage() {
  for signal in KILL STOP; do
    for _ in 1 2 3; do
      three_servers
      python3 bench/outage.py "$signal" "${servers[1]}" "$bin/kv-broker" -s "$work/servers.txt" -k 2 --no-load
      end "${servers[@]}"
    done
  done
}

idle() {
  start_server 0,1
  awk '/VmRSS/ {printf "empty server: %.1f MiB resident\n", $2 / 1024}' "/proc/$pid/status"
  end "$pid"
  three_servers
  "$bin/kv-broker" -s "$work/servers.txt" -k 2 --no-load < <(sleep 75) >/dev/null 2>&1 &
  local broker=$!
  pids+=("$broker")
  sleep 5
  local before after
  before=$(awk '{print $14 + $15}' "/proc/$broker/stat")
  sleep 60
  after=$(awk '{print $14 + $15}' "/proc/$broker/stat")
  awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" \
    'BEGIN { printf "idle broker, 3 servers: %.3f %% CPU over 60 s\n", 100 * t / hz / 60 }'
  end "$broker" "${servers[@]}"
}

for job in "${jobs[@]}"; do
  echo "== $job"
  "$job"
done
