#!/bin/sh
# Runs a command with DATABASE_URL naming a throw-away PostgreSQL cluster: tests/with_postgres.sh COMMAND…
# The cluster lives in a temporary folder, listens on a unix socket only, and is gone afterwards.
set -eu
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
folder=$(mktemp -d)
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    chown postgres "$folder"
    as_owner="setpriv --reuid=postgres --regid=postgres --clear-groups"
else
    as_owner=""
fi
in_folder() { (cd "$folder" && $as_owner "$@"); }
stop() {
    in_folder "$programs/pg_ctl" -D "$folder/data" -m immediate -s stop || true
    rm -rf "$folder"
}
trap stop EXIT INT TERM
in_folder "$programs/initdb" -D "$folder/data" -U pm --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
in_folder "$programs/pg_ctl" -D "$folder/data" -s -w -l "$folder/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" start
chmod 711 "$folder"
export DATABASE_URL="postgresql://pm@$(printf %s "$folder" | sed 's|/|%2F|g')/postgres"
echo "-- PostgreSQL: $*"
"$@"
