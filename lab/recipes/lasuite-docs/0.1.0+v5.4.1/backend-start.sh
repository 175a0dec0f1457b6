#!/bin/sh
# One replica brings the tables up to date, then serves.
set -e

until python manage.py check --database default > /dev/null 2>&1; do
  echo "the database is not there yet"
  sleep 2
done
python manage.py migrate --no-input

exec uvicorn --app-dir=/app --host=0.0.0.0 --port=8000 --timeout-graceful-shutdown=300 \
  --limit-max-requests=20000 --lifespan=off impress.asgi:application
