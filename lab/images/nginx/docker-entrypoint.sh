#!/bin/sh
# Prepare nginx with what lies in /docker-entrypoint.d, in version order, then become the command:
# *.sh are run and *.envsh are read, both only if they are executable.
set -e

say() {
  [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

prepare() {
  for step in $(find /docker-entrypoint.d/ -follow -type f | sort -V); do
    case "$step" in
      *.sh | *.envsh) ;;
      *) say "not a script: $step"; continue ;;
    esac
    [ -x "$step" ] || { say "not executable: $step"; continue; }
    say "$step"
    case "$step" in
      *.envsh) . "$step" ;;
      *) "$step" ;;
    esac
  done
}

case "$1" in
  nginx | nginx-debug) prepare ;;
esac

exec "$@"
