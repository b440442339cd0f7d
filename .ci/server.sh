# What the checks that call a running server have in common. To be sourced, with $briefwire and $work set.

fail() {
  echo "$*" >&2
  exit 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until the command given succeeds, for as long as the process given lives.
wait_until() {
  local pid=$1 what=$2
  shift 2
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    kill -0 "$pid" 2>/dev/null || fail "$what ended before it was ready"
    sleep 0.2
  done
  fail "$what was not ready within a minute"
}

# Starts `briefwire serve` with these arguments on a free port, and waits until it is ready. Sets server_pid.
start_briefwire() {
  BRIEFWIRE_LISTEN="127.0.0.1:$(free_port)"
  BRIEFWIRE_PUBLIC_URL="http://$BRIEFWIRE_LISTEN"
  # A rate limit would only stop the run from reaching the handlers.
  BRIEFWIRE_RATE_LIMIT=off
  export BRIEFWIRE_LISTEN BRIEFWIRE_PUBLIC_URL BRIEFWIRE_RATE_LIMIT
  "$briefwire" serve "$@" >"$work/server.log" 2>&1 &
  server_pid=$!
  wait_until "$server_pid" briefwire "$briefwire" health
}

# A server that fell over after its last answer has failed too.
still_ready() {
  "$briefwire" health || fail "briefwire is not ready after the run"
}

# Ends a process that this script started; by force if it does not go by itself.
stop() {
  local pid=$1 signal=$2
  [ -n "$pid" ] || return 0
  kill -s "$signal" "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  echo "process $pid did not stop within 10 seconds" >&2
  kill -s KILL "$pid" 2>/dev/null || true
}
