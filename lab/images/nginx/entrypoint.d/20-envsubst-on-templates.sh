#!/bin/sh
# Render /etc/nginx/templates/**/NAME.template to /etc/nginx/conf.d/**/NAME from the environment.
set -e

templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
  echo "$0: $output can't be written" >&2
  exit 0
fi

# only names that are set are replaced, so that nginx's own $variables stay
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E "${NGINX_ENVSUBST_FILTER:-}" | sed 's/.*/${&}/')

find "$templates" -follow -type f -name "*$suffix" | while read -r template; do
  path=${template#"$templates"/}
  target=$output/${path%"$suffix"}
  mkdir -p "$(dirname "$target")"
  envsubst "$names" <"$template" >"$target"
done
