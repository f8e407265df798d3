#!/usr/bin/env bash
# `npm run test:faults`: install the servers that the scenarios need, then break them one after the other. Arguments go
# to vitest, such as the files to run. The disk that fills up is a tmpfs: mounting it takes root, or sudo without a
# password.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/../servers/install.sh"
npx vitest run -c "$here/vitest.config.ts" "$@"
