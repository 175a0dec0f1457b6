#!/bin/sh
# Options and scripts are node's; a command is run as it is.
set -e
case "$1" in
  -*) exec node "$@" ;;
esac
if ! command -v "$1" >/dev/null || { [ -f "$1" ] && [ ! -x "$1" ]; }; then
  exec node "$@"
fi
exec "$@"
