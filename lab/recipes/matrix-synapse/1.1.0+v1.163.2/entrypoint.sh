#!/bin/sh
# A new server needs a signing key, which Synapse makes only when it is told to.
set -e

mkdir -p /data/media_store/local_content
if [ ! -s /data/signing.key ]; then
  python -m synapse.app.homeserver --config-path "$SYNAPSE_CONFIG_PATH" --generate-keys
fi
exec /start.py "$@"
