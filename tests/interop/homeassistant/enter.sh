#!/bin/sh
# Runs a program in the folder that setup.sh made. What is mounted for it goes with it.
#
#   sudo [CONFIG=FOLDER] ./enter.sh ROOT PROGRAM [ARGUMENT]…      CONFIG is /config in there
set -eu
root=$1
shift
unset PIP_FIND_LINKS
exec unshare --mount --propagation private sh -eu -c '
	root=$1
	shift
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	[ -z "${CONFIG:-}" ] || { mkdir -p "$root/config"; mount --bind "$CONFIG" "$root/config"; }
	exec chroot "$root" "$@"' enter "$root" "$@"
