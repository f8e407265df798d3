#!/usr/bin/env bash
# Install the server that `npm run test:trino` needs, without Docker: Trino 476, the last one on Maven Central, with the
# plugins that the tests use, and a link to the Java that runs it (22 or later).
# What is there already is left alone, so running it again takes a second.
set -euo pipefail

trino_version=476
min_java=22
plugins='hive iceberg password-authenticators resource-group-managers'
# A relative XDG_CACHE_HOME is invalid and ignored, as the XDG rules say.
case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/ocp-pipeline ;;
  *) cache=$HOME/.cache/ocp-pipeline ;;
esac
target=$cache/trino-$trino_version

say() { printf 'install.sh: %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

java_release() { "$1" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p'; }

# Prints the home of a Java that is new enough: TRINO_JAVA_HOME, JAVA_HOME, or the newest under /usr/lib/jvm.
find_java() {
  local home release
  for home in "${TRINO_JAVA_HOME:-}" "${JAVA_HOME:-}" $(ls -d /usr/lib/jvm/*/ 2>/dev/null | sort -Vr); do
    [[ -n $home && -x ${home%/}/bin/java ]] || continue
    release=$(java_release "${home%/}/bin/java")
    if [[ ${release%%.*} -ge $min_java ]]; then
      echo "${home%/}"
      return
    fi
  done
}

# A cache of an earlier version of this script may lack a plugin.
is_complete() {
  local plugin
  [[ -d $target/lib ]] || return 1
  for plugin in $plugins; do [[ -d $target/plugin/$plugin ]] || return 1; done
}

install_server() {
  if is_complete; then
    say "Trino $trino_version is there: $target"
    return
  fi
  command -v mvn >/dev/null || fail "mvn not found, needed to download Trino; install Maven (Debian: maven), or unpack Trino $trino_version into $target"
  say "downloading Trino $trino_version (821 MB, once) ..."
  local folder part
  folder=$(mktemp -d "$cache/trino-XXXXXX")
  # A repository of its own: the tarball would stay in the user's.
  if ! mvn -q -B "-Dmaven.repo.local=$folder/maven" dependency:copy \
    "-Dartifact=io.trino:trino-server:$trino_version:tar.gz" "-DoutputDirectory=$folder"; then
    rm -rf "$folder"
    fail "Trino could not be downloaded; is Maven Central, or a mirror in ~/.m2/settings.xml, reachable?"
  fi
  # Jars are hard links across plugins: everything is unpacked, then copied with the links between what is kept.
  tar -xzf "$folder/trino-server-$trino_version.tar.gz" -C "$folder"
  mkdir -p "$target/plugin"
  mkdir "$folder/kept"
  (cd "$folder/trino-server-$trino_version" && cp -a --parents lib $(printf 'plugin/%s ' $plugins) "$folder/kept")
  for part in lib $(printf 'plugin/%s ' $plugins); do
    # A server that runs keeps the files that it has open.
    [[ -d $target/$part ]] || mv "$folder/kept/$part" "$target/$part"
  done
  rm -rf "$folder"
  say "Trino $trino_version is there: $target"
}

link_java() {
  if [[ -x $target/java/bin/java ]]; then
    say "Java is there: $(readlink "$target/java")"
    return
  fi
  local home
  home=$(find_java)
  [[ -n $home ]] || fail "no Java $min_java or later found, needed by Trino; set TRINO_JAVA_HOME, or install one under /usr/lib/jvm (such as temurin-25-jdk)"
  ln -sfn "$home" "$target/java"
  say "Java is there: $home"
}

mkdir -p "$cache" || fail "$cache cannot be created; set XDG_CACHE_HOME to a directory that can be written"
install_server
link_java
