#!/usr/bin/env bash
# Checks with the libraries of partners what `briefwire serve` sends, on a fresh SQLite database: .ci/partners.sh
#
#   BRIEFWIRE     the binary to test (default target/debug/briefwire)
#   PYTHON        a Python 3.11 that has feedparser and standardwebhooks (default: python3)
#   NODE          the command of Node.js (default: from PATH)
#   NODE_MODULES  the folder that has standardwebhooks for Node.js
#   SEED          the number that the data are made from (default: always the same)
#   TIME_LIMIT    seconds after which the run counts as hanging (default 300)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
briefwire=$(realpath "${BRIEFWIRE:-$root/target/debug/briefwire}")
python=${PYTHON:-python3}
time_limit=${TIME_LIMIT:-300}
export NODE=${NODE:-node} NODE_MODULES=${NODE_MODULES:?is to be the folder of npm packages} SEED=${SEED:-20170731}

work=$(mktemp -d)
server_pid=

main() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start_server
  run_check
}

fail() {
  echo "$*" >&2
  exit 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_server() {
  BRIEFWIRE_LISTEN="127.0.0.1:$(free_port)"
  BRIEFWIRE_PUBLIC_URL="http://$BRIEFWIRE_LISTEN"
  DATABASE_URL="sqlite://$work/briefwire.db"
  # A rate limit would only slow the check down, and its endpoint for webhooks is on the loopback.
  BRIEFWIRE_RATE_LIMIT=off
  BRIEFWIRE_WEBHOOK_ALLOW_PRIVATE=true
  export BRIEFWIRE_LISTEN BRIEFWIRE_PUBLIC_URL DATABASE_URL BRIEFWIRE_RATE_LIMIT BRIEFWIRE_WEBHOOK_ALLOW_PRIVATE
  "$briefwire" serve >"$work/server.log" 2>&1 &
  server_pid=$!
  for _ in $(seq 300); do
    if "$briefwire" health >/dev/null 2>&1; then return; fi
    kill -0 "$server_pid" 2>/dev/null || fail "briefwire ended before it was ready"
    sleep 0.2
  done
  fail "briefwire was not ready within a minute"
}

run_check() {
  PUBLISHER_KEY=$("$briefwire" keys create --role publisher --name "Newsroom")
  READER_KEY=$("$briefwire" keys create --role reader --name "Partner")
  export PUBLISHER_KEY READER_KEY PYTHONDONTWRITEBYTECODE=1
  timeout --kill-after=10 "$time_limit" "$python" "$root/.ci/partners" "$BRIEFWIRE_PUBLIC_URL"
  # A server that fell over after its last answer has failed too.
  "$briefwire" health || fail "briefwire is not ready after the run"
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" != 0 ]; then
    # A request that went well says nothing of what went wrong.
    grep -v 'middleware: answered' "$work/server.log" | tail -n 100 >&2 || true
  fi
  stop_server
  rm -rf "$work"
  exit "$status"
}

# By force if it does not go by itself.
stop_server() {
  [ -n "$server_pid" ] || return 0
  kill "$server_pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$server_pid" 2>/dev/null || return 0
    sleep 0.1
  done
  echo "briefwire did not stop within 10 seconds" >&2
  kill -s KILL "$server_pid" 2>/dev/null || true
}

main "$@"
