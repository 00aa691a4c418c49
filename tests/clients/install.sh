#!/bin/sh
# Install Debian packages: those that are named, or the real clients that the tests open outputs with.
# Nothing to do where they are there.
set -eu
need="$*"
if [ -z "$need" ]; then
  command -v chromium >/dev/null 2>&1 || need="$need chromium"
  command -v pdftotext >/dev/null 2>&1 || need="$need poppler-utils"
  command -v ogrinfo >/dev/null 2>&1 || need="$need gdal-bin"
  # strace fails one system call at a time for tests/faults.
  command -v strace >/dev/null 2>&1 || need="$need strace"
  # tests/clients/postgres.py starts a server of its own; the one that Debian starts is left alone.
  [ -e /usr/share/postgresql/15/extension/postgis.control ] || need="$need postgresql-15-postgis-3"
  command -v openssl >/dev/null 2>&1 || need="$need openssl"
  /usr/bin/python3 -c 'import qgis.core' >/dev/null 2>&1 || need="$need python3-qgis"
  fc-list 2>/dev/null | grep -q 'Noto Sans CJK' || need="$need fonts-noto-cjk fontconfig"
fi
[ -n "$need" ] || exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    echo "Debian packages are missing, and only root can install them -> as root: apt-get install $need" >&2
    exit 1
  }
  sudo=sudo
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need >/dev/null
