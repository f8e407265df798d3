#!/usr/bin/env bash
# `npm run test:image`: build the image, then run the program from it, as the image's user, against servers of the
# tests.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/build.sh"
npx vitest run -c "$here/vitest.config.ts" "$@"
