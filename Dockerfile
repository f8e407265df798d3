# The worker and the command line `ocp-pipeline`.
# Node 22: the AWS SDK ends its support of Node 20 in January 2027. Debian, not Alpine: Temporal's native core needs
# glibc.
FROM node:22-bookworm-slim AS build
# One image serves both engines. "no" is for sites of PostgreSQL alone: without the library that writes Parquet (78 MB),
# which only workers of the Trino engine load (docs/trino.md).
ARG TRINO=yes
WORKDIR /app
# Dependencies first: they change less often than the sources, so their layer is reused.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Of what the packages bring, keep what runs: Temporal's core for this platform (30 MB each), not its Rust sources; no
# types, no TypeScript and no source maps. Workflows are bundled here, so what bundles them stays behind; a worker loads
# webpack's entry, which loads the rest of webpack only to bundle. Benchmark and embedded servers need development
# packages.
RUN npm run build && npm prune --omit=dev && \
    if [ "$TRINO" = no ]; then rm -r node_modules/@duckdb; fi && \
    core=node_modules/@temporalio/core-bridge && \
    platform=$(node -p "({ x64: 'x86_64', arm64: 'aarch64' })[process.arch] + '-unknown-linux-gnu'") && \
    test -f "$core/releases/$platform/index.node" && \
    find "$core/releases" -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} + && \
    rm -rf "$core/sdk-core" dist/bench dist/dev-stack && \
    (cd node_modules && rm -r @swc swc-loader source-map-loader terser minimizer-webpack-plugin acorn \
        browserslist caniuse-lite electron-to-chromium @webassemblyjs) && \
    find node_modules/webpack -type f ! -path '*/webpack/package.json' ! -path '*/lib/index.js' ! -path '*/lib/util/memoize.js' -delete && \
    find node_modules -type f '(' -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' ')' -delete

FROM node:22-bookworm-slim
# Two arenas of malloc: with more, threads keep 30 MB and more that they have freed.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    OCP_DATA_DIR=/var/lib/ocp-pipeline
WORKDIR /app
# The code stays owned by root; only the data directory can be written by the user that runs it.
RUN install -d -o node -g node /var/lib/ocp-pipeline
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/sql ./sql
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/samples ./samples
# The command, also for people: docker compose run --rm cli status
RUN chmod 755 dist/cli/main.js && ln -s /app/dist/cli/main.js /usr/local/bin/ocp-pipeline
USER node
CMD ["node", "--max-semi-space-size=1", "dist/cli/main.js", "worker"]
