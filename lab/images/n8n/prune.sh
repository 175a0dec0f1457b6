#!/bin/sh
# $1 is n8n as npm leaves it: take away what no running n8n reads, more than half of it.
set -e
cd "$1"

# for people, debuggers and compilers
find . -type f \( \
  -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.tsbuildinfo' -o -name '*.flow' \
  -o -name '*.md' -o -name '*.mdx' -o -name '*.markdown' -o -name 'CHANGELOG*' \
  -o -name '*.vue' -o -name '*.scss' -o -name '*.bcmap' -o -name '*.exe' -o -name '*.tgz' \
  \) -delete
find node_modules -depth -type d ! -path '*/dist/*' \( \
  -name test -o -name tests -o -name __tests__ -o -name example -o -name examples -o -name .github \
  \) -exec rm -rf {} +

# what the sqlite3 driver was built from
find node_modules/sqlite3/build -mindepth 1 ! -name Release ! -name node_sqlite3.node -delete 2>/dev/null || true
rm -rf node_modules/sqlite3/deps node_modules/sqlite3/src

# libraries that the editor was made of; it is there ready for the browser, in n8n-editor-ui/dist
(
  cd node_modules
  rm -rf element-plus @element-plus reka-ui @vue @vueuse vue-i18n @intlify @tiptap prosemirror-* @n8n/design-system
)

# binaries of other systems, and of programs that n8n can drive but that no recipe here brings along
(
  cd node_modules
  find isolated-vm/prebuilds -type f ! -path '*/linux-x64/*.glibc.node' -delete
  rm -f oracledb/build/Release/*darwin* oracledb/build/Release/*win32* oracledb/build/Release/*arm64*
  rm -f @sentry/node-*/lib/*win32* @sentry/node-*/lib/*darwin* @sentry/node-*/lib/*arm64* @sentry/node-*/lib/*musl*
  rm -rf agent-browser/bin chromadb-js-bindings-* @typescript/typescript-linux-* @confluentinc/kafka-javascript/deps
)
