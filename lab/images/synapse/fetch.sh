#!/bin/sh
# Installs the release that the tag names, with what PostgreSQL and OpenID Connect need, below /usr/local.
set -e

pip install --break-system-packages --no-compile --no-warn-script-location \
  "matrix-synapse[postgres,oidc]==${VERSION#v}"

find /usr/local/lib -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find /usr/local/lib -name '*.so' -exec strip --strip-unneeded {} +
