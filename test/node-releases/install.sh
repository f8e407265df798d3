#!/usr/bin/env bash
# Download the Node releases that `npm run test:node` runs on, beside the one at hand, into the cache; what is there
# already is left alone.
#   releases.sh  version of each release that is supported
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/releases.sh"

say() { printf 'install.sh: %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# The npm packages whose only content is the program.
install_node() {
  local version=$1 target platform folder
  target=$(node_program "$version")
  if [[ -x $target ]] && [[ $("$target" --version) == "v$version" ]]; then
    say "Node $version is there: $target"
    return
  fi
  case $(uname -sm) in
    'Linux x86_64') platform=linux-x64 ;;
    'Linux aarch64') platform=linux-arm64 ;;
    *) fail "no package with Node for $(uname -sm); put Node $version at $target" ;;
  esac
  say "downloading Node $version (node-$platform) ..."
  mkdir -p "$cache"
  # Beside the target and renamed: a download that is interrupted leaves no half program behind.
  folder=$(mktemp -d "$cache/node-XXXXXX")
  if ! npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "node-$platform@$version" ||
    ! [[ -x $folder/node_modules/node-$platform/bin/node ]]; then
    rm -rf "$folder"
    fail "Node $version could not be downloaded; is the npm registry reachable (npm config get registry)?"
  fi
  mkdir -p "$(dirname "$target")"
  mv "$folder/node_modules/node-$platform/bin/node" "$target"
  rm -rf "$folder"
  say "Node $version is there: $target"
}

for version in "${releases[@]}"; do
  install_node "$version"
done
