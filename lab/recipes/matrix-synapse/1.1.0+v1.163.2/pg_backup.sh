#!/bin/bash
# Backs the database up as one file in its volume: dump writes it, clean removes it, load puts it back.
set -e

file=/var/lib/postgresql/data/backup.sql

case $1 in
  dump)
    pg_dump --username "$POSTGRES_USER" --file "$file" "$POSTGRES_DB"
    ;;
  clean)
    rm -f "$file"
    ;;
  load)
    dropdb --username "$POSTGRES_USER" --maintenance-db postgres --force --if-exists "$POSTGRES_DB"
    createdb --username "$POSTGRES_USER" --maintenance-db postgres "$POSTGRES_DB"
    psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --quiet --set ON_ERROR_STOP=1 --file "$file" >/dev/null
    rm -f "$file"
    ;;
  *)
    echo "usage: $0 dump|clean|load" >&2
    exit 2
    ;;
esac
