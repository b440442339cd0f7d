#!/usr/bin/env bash
# Runs schemathesis against `briefwire serve --demo` on a fresh database: .ci/schemathesis.sh sqlite|postgres
#
#   BRIEFWIRE     the binary to test (default target/debug/briefwire)
#   SCHEMATHESIS  the schemathesis command (default: from PATH)
#   TIME_LIMIT    seconds after which the run counts as hanging (default 600)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
briefwire=$(realpath "${BRIEFWIRE:-$root/target/debug/briefwire}")
schemathesis=${SCHEMATHESIS:-schemathesis}
time_limit=${TIME_LIMIT:-600}
source "$root/.ci/server.sh"

work=$(mktemp -d)
postgres_dir=
postgres_pid=
server_pid=

main() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  cd "$work" # whatever the tools leave behind goes with it

  case "${1:-}" in
    sqlite) DATABASE_URL="sqlite://$work/briefwire.db" ;;
    postgres) start_postgres ;;
    *) fail "usage: $0 sqlite|postgres" ;;
  esac
  export DATABASE_URL

  start_briefwire --demo
  run_schemathesis
}

# PostgreSQL refuses to run as root. setpriv execs, so that $! is the server's own process id.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  fi
  exec "$@"
}

postgres_bin() {
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1) || true
  newest=${newest:-$(command -v initdb)} || fail "PostgreSQL's server binaries are not on this machine"
  dirname "$newest"
}

start_postgres() {
  local bin port
  bin=$(postgres_bin)
  port=$(free_port)
  postgres_dir=$(mktemp -d) # its own directory, since $work is closed to other users
  if [ "$(id -u)" = 0 ]; then chown postgres: "$postgres_dir"; fi
  cd "$postgres_dir"

  (as_postgres "$bin/initdb" --pgdata="$postgres_dir/data" --username=briefwire --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$work/initdb.log" 2>&1 ||
    { cat "$work/initdb.log" >&2; fail "initdb failed"; }
  # fsync off: this database lives for one run, and durability has tests of its own.
  (as_postgres "$bin/postgres" -D "$postgres_dir/data" -p "$port" -h 127.0.0.1 -k "$postgres_dir" -c fsync=off) \
    >"$work/postgres.log" 2>&1 &
  postgres_pid=$!

  cd "$work"
  wait_until "$postgres_pid" PostgreSQL "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U briefwire -d postgres
  DATABASE_URL="postgres://briefwire@127.0.0.1:$port/postgres"
}

run_schemathesis() {
  local key
  key=$("$briefwire" keys create --role admin --name schemathesis)
  # SIGINT, so that a run over its time still reports what it found.
  PYTHONPATH="$root/.ci" PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks \
    timeout --signal=INT --kill-after=30 "$time_limit" \
    "$schemathesis" --config-file "$root/.ci/schemathesis.toml" run "$BRIEFWIRE_PUBLIC_URL/openapi.json" \
    --url "$BRIEFWIRE_PUBLIC_URL" --header "Authorization: Bearer $key" \
    --checks all --phases examples,coverage,fuzzing,stateful --no-color
  still_ready
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ "$status" != 0 ]; then print_logs; fi
  stop "$server_pid" TERM
  stop "$postgres_pid" INT # PostgreSQL's fast shutdown
  cd /
  rm -rf "$work" ${postgres_dir:+"$postgres_dir"}
  exit "$status"
}

print_logs() {
  local log
  for log in "$work/server.log" "$work/postgres.log"; do
    if [ -s "$log" ]; then
      echo "--- the end of $(basename "$log")"
      tail -n 100 "$log"
    fi
  done >&2
}

main "$@"
