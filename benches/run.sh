#!/usr/bin/env bash
# Measures every corpus anew, on SQLite and on PostgreSQL, beside nginx, bare SQL or pgbench, and Datasette, and writes
# docs/performance.md.
# Debian's nginx-light, wrk, postgresql and python3-venv have to be there, and two cores with nothing else to do: the import of a
# million briefs alone takes most of an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sqlite_briefs=${SQLITE_BRIEFS-1000,100000,1000000}
postgres_briefs=${POSTGRES_BRIEFS-1000,100000}
directory=target/speed

main() {
  mkdir -p "$directory"
  install_datasette
  if [[ -n $sqlite_briefs ]]; then
    measure --briefs "$sqlite_briefs" --datasette "$PWD/$directory/venv/bin/datasette" "$@"
  fi
  if [[ -n $postgres_briefs ]]; then
    start_postgres
    for briefs in ${postgres_briefs//,/ }; do
      as_postgres "$bin/createdb" --host 127.0.0.1 --port "$port" --username postgres "briefs_$briefs"
      # What the directory holds of an earlier run is of a database that is gone.
      rm -rf "$directory/postgres-$briefs"
      measure --briefs "$briefs" --postgres "postgres://postgres@127.0.0.1:$port/briefs_$briefs" "$@"
    done
  fi
}

measure() {
  cargo bench --locked --bench speed -- --directory "$directory" --write docs/performance.md "$@"
}

install_datasette() {
  [[ -x $directory/venv/bin/datasette ]] && return
  python3 -m venv "$directory/venv"
  "$directory/venv/bin/pip" install --quiet datasette
}

# A server of its own, on the core of the servers.
start_postgres() {
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -1)
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  scratch=$(mktemp -d)
  trap stop_postgres EXIT
  if ((EUID == 0)); then chown postgres "$scratch"; fi
  as_postgres "$bin/initdb" --pgdata "$scratch/data" --username postgres --auth trust >"$directory/postgres.log"
  as_postgres taskset --cpu-list 0 "$bin/pg_ctl" --pgdata "$scratch/data" --log "$scratch/log" --wait start \
    --options "-p $port -k $scratch -c listen_addresses=127.0.0.1 -c shared_buffers=1GB" >>"$directory/postgres.log"
}

stop_postgres() {
  as_postgres "$bin/pg_ctl" --pgdata "$scratch/data" --mode fast stop >>"$directory/postgres.log"
  rm -rf "$scratch"
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if ((EUID == 0)); then (cd / && runuser --user postgres -- "$@"); else "$@"; fi
}

main "$@"
