#!/bin/bash
# Keycloak reads its passwords from the environment alone, and Swarm has them in files.
set -e

KC_DB_PASSWORD=$(</run/secrets/db_password)
KC_BOOTSTRAP_ADMIN_PASSWORD=$(</run/secrets/admin_password)
export KC_DB_PASSWORD KC_BOOTSTRAP_ADMIN_PASSWORD

exec /opt/keycloak/bin/kc.sh "$@"
