# shellcheck shell=bash
# What the scripts share: where the project is, whether the machine has what it needs, building.
# Sourced by the others, first thing. Exit status 69 means that something has to be installed.
set -euo pipefail

# shellcheck disable=SC2034  # for the scripts that source this file
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"

readonly unavailable=69 # EX_UNAVAILABLE
readonly oldest_swift=6.1

fail() { # STATUS MESSAGE...
  local status="$1"
  shift
  printf '%s\n' "$*" >&2
  exit "$status"
}

# Shows one line in place of the last one, on a terminal only; an empty line erases it.
progress() {
  [[ -t 2 ]] || return 0
  local width="${COLUMNS:-80}" line="${1//[$'\r\t']/ }"
  printf '\r\033[K%s' "${line:0:width-1}" >&2
}

# Runs a command without its output, which is shown only if it fails.
quietly() {
  local log="" line="" status=0
  while IFS= read -r line || [[ -n "$line" ]]; do
    log+="$line"$'\n'
    progress "$line"
  done < <("$@" 2>&1 </dev/null)
  wait "$!" || status=$?
  progress ""
  ((status == 0)) || printf '%s' "$log" >&2
  return "$status"
}

require_swift() {
  local install="install Swift $oldest_swift or newer: https://www.swift.org/install/linux/"
  command -v swift >/dev/null || fail $unavailable "Swift is missing; $install"
  local version
  version="$(swift --version 2>/dev/null || true)"
  # Debian has another program called swift; it does not answer like this.
  [[ "$version" =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]] ||
    fail $unavailable "The swift on PATH is not the Swift compiler; $install"
  local major="${BASH_REMATCH[1]}" minor="${BASH_REMATCH[2]}"
  ((major > ${oldest_swift%.*} || (major == ${oldest_swift%.*} && minor >= ${oldest_swift#*.}))) ||
    fail $unavailable "Swift $major.$minor is too old; $install"
}

# The Debian packages that are linked and not there, one a line.
missing_packages() {
  if ! command -v pkg-config >/dev/null; then
    printf '%s\n' pkg-config libgsl-dev libsqlite3-dev # without the first, nobody can tell
    return
  fi
  pkg-config --exists gsl || echo libgsl-dev
  pkg-config --exists sqlite3 || echo libsqlite3-dev
}

# Installs missing packages if that needs no password, or says what to type.
require_packages() {
  local packages=()
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]} > 0)) || return 0
  command -v apt-get >/dev/null ||
    fail $unavailable "Not a Debian system: install its counterparts of ${packages[*]}"

  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
  if ((EUID != 0)); then
    if ! { command -v sudo && sudo -n true; } >/dev/null 2>&1; then
      fail $unavailable "Missing packages; type: sudo apt-get install ${packages[*]}"
    fi
    apt=(sudo -n "${apt[@]}")
  fi
  progress "installing ${packages[*]}"
  # A fresh machine knows no package, a stale one knows versions that are gone.
  if ! apt-cache show "${packages[@]}" >/dev/null 2>&1; then
    quietly "${apt[@]}" update || fail $unavailable "apt-get update failed (above)"
  fi
  "${apt[@]}" install "${packages[@]}" >/dev/null 2>&1 ||
    { quietly "${apt[@]}" update && quietly "${apt[@]}" install "${packages[@]}"; } ||
    fail $unavailable "Could not install; type: sudo apt-get install ${packages[*]}"
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]} == 0)) ||
    fail $unavailable "Installed, but pkg-config does not find ${packages[*]}"
}

require_machine() {
  require_swift
  require_packages
}

# Builds quietly; what it made is in .build/<configuration>.
build() { # CONFIGURATION [OPTIONS OF swift build]...
  local configuration="$1"
  shift
  quietly swift build --package-path "$root" -c "$configuration" -j 2 "$@"
}
