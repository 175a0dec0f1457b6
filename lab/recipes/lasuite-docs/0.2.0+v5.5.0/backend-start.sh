#!/bin/sh
# One replica brings the tables up to date, then serves.
set -e

until said=$(python manage.py check --database default 2>&1); do
  echo "not ready to start: $(echo "$said" | tail -n 1)"
  sleep 2
done
python manage.py migrate --no-input

exec uvicorn --app-dir=/app --host=0.0.0.0 --port=8000 --timeout-graceful-shutdown=25 \
  --limit-max-requests=20000 --lifespan=off impress.asgi:application
