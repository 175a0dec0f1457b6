#!/bin/sh
# Arguments are n8n's own: `docker run n8nio/n8n export:workflow --all`.
if [ -d /opt/custom-certificates ]; then
  echo "Trusting custom certificates from /opt/custom-certificates."
  export NODE_OPTIONS="--use-openssl-ca $NODE_OPTIONS"
  export SSL_CERT_DIR=/opt/custom-certificates
  openssl rehash /opt/custom-certificates
fi
exec n8n "$@"
