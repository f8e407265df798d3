#!/usr/bin/env bash
# `npm run test:page`: install Chromium, then look at the page with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/../servers/install.sh" chromium
npx vitest run -c "$here/vitest.config.ts" "$@"
