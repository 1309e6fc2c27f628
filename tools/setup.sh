#!/bin/sh
# Makes the virtual environment: tools/setup.sh FOLDER EXTRA
# Needs python3.11 or later and, where Debian left it out, its venv module (installed by apt when root).
set -eu

venv=$1
extra=$2

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# The first interpreter that is new enough; PYTHON overrides the choice.
find_python() {
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed. Install it, or name it: make PYTHON=/path/to/python3.11"
}

# Installs Debian packages when root; otherwise says the exact line to type.
need_debian_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "install with your system's package manager:$missing"
    [ "$(id -u)" -eq 0 ] || fail "type this line, then make again:  sudo apt-get install -y$missing"
    apt-get update -qq
    # shellcheck disable=SC2086  # the list is meant to be split into words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

python=$(find_python)
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian_packages "python$version-venv"
    "$python" -m venv --clear "$venv"
fi

# Qt loads these even without a display; with one it needs the rest too.
need_debian_packages libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 \
    libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1 \
    libxcb-image0 libxcb-render-util0 xvfb xauth fonts-dejavu-core

printf 'setup: installing graphviz_nn[%s] into %s (PyTorch is large: the first time takes minutes)\n' "$extra" "$venv" >&2
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt"
# PyTorch goes first and by version alone, so that pip takes the build that its index or wheel folder offers for this
# machine (CPU or CUDA) before it looks at anything else.
$pip torch
$pip --editable ".[$extra]"
