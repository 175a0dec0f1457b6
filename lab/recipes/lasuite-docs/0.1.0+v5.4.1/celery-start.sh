#!/bin/sh
# Work begins when the tables are those of this version.
set -e

until python manage.py migrate --check > /dev/null 2>&1; do
  echo "the tables are not up to date yet"
  sleep 2
done

exec celery -A impress.celery_app worker -l INFO -n impress@%h
