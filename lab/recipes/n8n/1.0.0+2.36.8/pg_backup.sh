#!/bin/bash
# Backs the database up as one file in its volume: dump writes it, clean removes it, load puts it back.
set -e

file=/var/lib/postgresql/data/backup.sql
export PGUSER=$POSTGRES_USER PGDATABASE=postgres

case $1 in
  dump)
    pg_dump --username "$POSTGRES_USER" --file "$file" "$POSTGRES_DB"
    ;;
  clean)
    rm -f "$file"
    ;;
  load)
    # beside the old database, which goes only when the whole file is in: n8n never meets half of one
    dropdb --if-exists restored
    createdb restored
    psql --dbname restored --quiet --no-psqlrc --set ON_ERROR_STOP=1 --single-transaction --file "$file" >/dev/null
    dropdb --if-exists --force "$POSTGRES_DB"
    psql --quiet --no-psqlrc --command "ALTER DATABASE restored RENAME TO \"$POSTGRES_DB\""
    rm -f "$file"
    ;;
  *)
    echo "usage: $0 dump|clean|load" >&2
    exit 2
    ;;
esac
