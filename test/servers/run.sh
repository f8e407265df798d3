#!/usr/bin/env bash
# `npm run test:servers`: install the further servers, then test against them: a real S3 server, the compose file, and
# all SQL on PostgreSQL 15, the oldest supported (npm test runs it on 18).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/install.sh"
npx vitest run -c "$here/vitest.config.ts" "$@"
npx vitest run -c "$here/postgres15.config.ts" "$@"
