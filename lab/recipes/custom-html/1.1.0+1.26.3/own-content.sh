#!/bin/sh
# A new volume belongs to root; nginx's workers, which store uploads, are another user.
set -e

content=/usr/share/nginx/html

if [ "$(stat -c %U "$content")" != nginx ]; then
  chown -R nginx:nginx "$content"
fi
