# Sourced by install.sh and run.sh. Node 20.19 is the oldest supported release, 22 that of the image, 24 the next one.
# shellcheck shell=bash disable=SC2034
releases=(22.23.3 24.21.0)

# A relative XDG_CACHE_HOME is invalid and ignored, as the XDG rules say.
case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/ocp-pipeline ;;
  *) cache=$HOME/.cache/ocp-pipeline ;;
esac

node_program() { printf '%s/node-%s/bin/node\n' "$cache" "$1"; }
