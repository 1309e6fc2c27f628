#!/bin/sh
# Makes the virtual environment: tools/setup.sh FOLDER EXTRAS
# Needs python3.11 or later and, where Debian left it out, its venv module; the app needs the system libraries that Qt
# loads. On Debian and Ubuntu what is missing is installed by apt when root, else the line to type is shown.
set -eu

venv=$1
extras=$2

# What Qt loads even without a display, then what it needs for windows; the tests of windows need a display of their own.
qt_packages="libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core
    libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1
    libxcb-image0 libxcb-render-util0"
test_packages="xvfb xauth"

warn() {
    printf 'setup: %s\n' "$*" >&2
}

fail() {
    warn "$@"
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The first interpreter that is new enough; PYTHON overrides the choice.
find_python() {
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed. Install it, or name it: make PYTHON=/path/to/python3.11"
}

# Prints the package that brings the venv module of the interpreter, where that is missing.
missing_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null || "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

# Prints the packages of Qt that are not installed. Ubuntu 24.04 names some of them with "t64" at the end.
missing_qt() {
    wanted=$qt_packages
    case $extras in
        *dev*) wanted="$wanted $test_packages" ;;
    esac
    # shellcheck disable=SC2086,SC2046  # lists of words
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted $(printf '%st64 ' $wanted) 2>/dev/null |
        sed -n 's/ installed$//p')
    for package in $wanted; do
        printf '%s\n' "$installed" | grep -qx -e "$package" -e "${package}t64" || printf ' %s' "$package"
    done
}

# Installs what is missing when root. Otherwise says the one line that brings all of it, and fails where nothing can be
# done without: an environment to be made needs venv, and the tests insist on Qt. Without Qt all but the app works.
install_packages() {
    # shellcheck disable=SC2086  # a list of words
    set -- $for_venv $for_qt
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        fail "install with your system's package manager what Debian calls: $*"
    elif [ "$(id -u)" -eq 0 ]; then
        warn "installing by apt-get: $*"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
        return
    fi
    case "$extras $for_venv" in
        *dev* | *venv) fail "type this line, then make again:  sudo apt-get install -y $*" ;;
        *) warn "the app will not start before you type:  sudo apt-get install -y $*" ;;
    esac
}

python=$(find_python)
for_venv=
is_new_enough "$venv/bin/python" || for_venv=$(missing_venv "$python")
for_qt=
if command -v dpkg-query >/dev/null; then
    for_qt=$(missing_qt)
elif [ "$(uname)" = Linux ]; then
    warn "this is not Debian: if the app does not start, install what Qt 6 needs with your package manager"
fi
install_packages
is_new_enough "$venv/bin/python" || "$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null

warn "installing graphviz_nn[$extras] into $venv (PyTorch is large: the first time takes minutes)"
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt"
# PyTorch goes first and by version alone, so that pip takes the build that its index or wheel folder offers for this
# machine (CPU or CUDA) before it looks at anything else.
$pip torch
$pip --editable ".[$extras]"
