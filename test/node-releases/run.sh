#!/usr/bin/env bash
# `npm run test:node`: a part of the tests on each supported Node release besides the one at hand: decisions, reading of
# reports with the WebAssembly kernel, whole runs, and the command line with a worker. Arguments go to vitest instead of
# that part: `npm run test:node -- test` runs all tests on each.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/install.sh"
. "$here/releases.sh"
cd "$here/../.."
part=(
  test/domain/
  test/reports/report-splitter.test.ts
  test/reports/staging-rows.test.ts
  test/workflows/sample-payloads.test.ts
  test/platform/object-store/
  test/cli/stopped.test.ts
)
if (($# > 0)); then part=("$@"); fi
for version in "${releases[@]}"; do
  echo "Node $version:"
  node=$(node_program "$version")
  # Programs that tests start by name are to be of this release too.
  PATH="$(dirname "$node"):$PATH" "$node" node_modules/vitest/vitest.mjs run "${part[@]}"
done
