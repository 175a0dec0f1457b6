#!/bin/sh
# As a container's first process httpd would not hear SIGTERM, so the shell is that and passes it on.
mkdir -p /notes/entries
httpd -f -v -p 80 -h /www -c /etc/httpd.conf -r pocket &
server=$!
trap 'kill "$server"; exit 0' TERM INT
wait "$server"
