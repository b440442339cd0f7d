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
source "$root/.ci/server.sh"
export NODE=${NODE:-node} NODE_MODULES=${NODE_MODULES:?is to be the folder of npm packages} SEED=${SEED:-20170731}

work=$(mktemp -d)
server_pid=

main() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # The endpoint of the check's webhook is on the loopback.
  export DATABASE_URL="sqlite://$work/briefwire.db" BRIEFWIRE_WEBHOOK_ALLOW_PRIVATE=true
  start_briefwire
  run_check
}

run_check() {
  PUBLISHER_KEY=$("$briefwire" keys create --role publisher --name "Newsroom")
  READER_KEY=$("$briefwire" keys create --role reader --name "Partner")
  export PUBLISHER_KEY READER_KEY PYTHONDONTWRITEBYTECODE=1
  timeout --kill-after=10 "$time_limit" "$python" "$root/.ci/partners" "$BRIEFWIRE_PUBLIC_URL"
  still_ready
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" != 0 ]; then
    # A request that went well says nothing of what went wrong.
    grep -v 'middleware: answered' "$work/server.log" | tail -n 100 >&2 || true
  fi
  stop "$server_pid" TERM
  rm -rf "$work"
  exit "$status"
}

main "$@"
