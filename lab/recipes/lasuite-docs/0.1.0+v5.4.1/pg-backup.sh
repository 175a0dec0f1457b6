#!/bin/bash
# Dump the database into its volume, and load it from there.
set -e -o pipefail

dump=/var/lib/postgresql/data/backup.sql

case "$1" in
  backup)
    pg_dump --username "$POSTGRES_USER" "$POSTGRES_DB" > "$dump.part"
    mv "$dump.part" "$dump"
    ;;
  restore)
    if ! tail -n 10 "$dump" | grep -q "PostgreSQL database dump complete"; then
      echo "$dump: not a whole dump, so nothing was touched" >&2
      exit 1
    fi
    # what came after the backup has to go, and the app keeps its connections open
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
      --command "DROP DATABASE IF EXISTS \"$POSTGRES_DB\" WITH (FORCE)" \
      --command "CREATE DATABASE \"$POSTGRES_DB\" OWNER \"$POSTGRES_USER\""
    psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --quiet --single-transaction \
      --set ON_ERROR_STOP=1 --file "$dump" > /dev/null
    ;;
  *)
    echo "usage: $0 backup|restore" >&2
    exit 2
    ;;
esac
