#!/bin/sh
# Unpacks the distribution of $VERSION to /opt/keycloak: uid 1000 owns it in group 0, which may write wherever he may.
set -e

# Java takes the home from the password file, and there Maven's repository would become part of the layer
export MAVEN_OPTS="-Duser.home=$HOME"
artifact=org.keycloak:keycloak-quarkus-dist:$VERSION:tar.gz
mvn --batch-mode --quiet --strict-checksums dependency:copy -Dartifact="$artifact" -DoutputDirectory=/tmp/dist

mkdir -p /opt/keycloak
tar --extract --gzip --file="/tmp/dist/keycloak-quarkus-dist-$VERSION.tar.gz" \
  --strip-components=1 --no-same-owner --directory=/opt/keycloak
mkdir -p /opt/keycloak/data
rm -f /opt/keycloak/bin/*.bat

echo 'keycloak:x:1000:0:keycloak user:/opt/keycloak:/sbin/nologin' >>/etc/passwd
chown -R 1000:0 /opt/keycloak
chmod -R g+rwX /opt/keycloak
