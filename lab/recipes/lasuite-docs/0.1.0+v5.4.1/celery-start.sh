#!/bin/sh
# Work begins when the tables are those of this version.
set -e

until said=$(python manage.py migrate --check 2>&1); do
  echo "the tables are not up to date yet: $(echo "$said" | tail -n 1)"
  sleep 2
done

exec celery -A impress.celery_app worker -l INFO -n impress@%h --concurrency "$CELERY_CONCURRENCY"
