#!/usr/bin/env bash
# Makes a folder with a real Home Assistant: Debian trixie's Python and what requirements.txt names. As root; a minute and
# 900 MB the first time, nothing after that.
#
#   sudo ./setup.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(mkdir -p "$1" && cd "$1" && pwd)

cmp -s "$here/requirements.txt" "$root/installed.txt" && exit
if [ ! -e "$root/unpacked" ]; then
	echo "unpacking Debian trixie into $root"
	debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$root" \
		"${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 || {
		tail -5 "$root.log" >&2
		echo "Home Assistant can't be set up: debootstrap could not unpack Debian trixie into $root (see $root.log)" >&2
		exit 1
	}
	touch "$root/unpacked"
fi
# As this machine reaches the package index.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp "$here/requirements.txt" "$root/requirements.txt"
echo "installing Home Assistant into $root"
"$here/enter.sh" "$root" sh -c '
	python3 -m venv --clear /venv &&
	/venv/bin/pip install --quiet --disable-pip-version-check uv &&
	/venv/bin/uv pip install --quiet --no-deps --no-cache --python /venv/bin/python -r /requirements.txt' || {
	echo "Home Assistant can't be set up: its packages could not be installed" >&2
	exit 1
}
cp "$here/requirements.txt" "$root/installed.txt"
