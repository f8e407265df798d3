#!/usr/bin/env bash
# `npm run test:servers`: install the further servers, then test against them: a real S3 server, the compose file,
# Kafka, and all SQL on PostgreSQL 15, the oldest supported (npm test runs it on 18), and what could differ on 16 and
# 17.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bash "$here/install.sh"
npx vitest run -c "$here/vitest.config.ts" "$@"
npx vitest run -c "$here/intake.config.ts" --passWithNoTests "$@"
npx vitest run -c "$here/postgres15.config.ts" "$@"
for version in 16 17; do
  # A filter of the caller's may fit none of these.
  OCP_TEST_POSTGRES=$version npx vitest run -c "$here/postgres-between.config.ts" --passWithNoTests "$@"
done
