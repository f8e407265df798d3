#!/usr/bin/env bash
# `npm run test:trino`: install Trino, then test the Trino engine against it. Arguments go to vitest, such as the files to run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/install.sh"
npx vitest run -c "$here/vitest.config.ts" "$@"
