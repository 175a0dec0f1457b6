#!/bin/sh
# Serve, and see that the bucket is there and keeps versions, which Docs shows as a document's history.
set -e

MINIO_ROOT_PASSWORD="$(cat /run/secrets/s3_password)"
export MINIO_ROOT_PASSWORD

(
  export MC_CONFIG_DIR=/tmp/mc
  export MC_HOST_store="http://${MINIO_ROOT_USER}:${MINIO_ROOT_PASSWORD}@127.0.0.1:9000"
  until mc mb --ignore-existing "store/${BUCKET}" && mc version enable "store/${BUCKET}"; do
    sleep 1
  done
) &

exec minio server /data
