#!/usr/bin/env bash
# `npm run test:trino`: install Trino and an S3 server, then test the Trino engine.
# Arguments go to vitest, such as the files to run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/install.sh"
bash "$here/../servers/install.sh" versitygw
npx vitest run -c "$here/vitest.config.ts" "$@"
