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

# Prints those of the packages that are not installed. Ubuntu 24.04 names some of them with "t64" at the end.
missing_packages() {
    names=
    for package in "$@"; do
        names="$names $package ${package}t64"
    done
    # shellcheck disable=SC2086  # a list of words
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $names 2>/dev/null | sed -n 's/ installed$//p')
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qx -e "$package" -e "${package}t64" || printf ' %s' "$package"
    done
}

# Installs Debian packages when root; otherwise says the exact line to type and fails.
install_packages() {
    command -v apt-get >/dev/null || fail "install with your system's package manager: $*"
    [ "$(id -u)" -eq 0 ] || fail "type this line, then make again:  sudo apt-get install -y $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python=$(find_python)
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages "python$version-venv"
    "$python" -m venv --clear "$venv"
fi

# Without these everything but the app works, so only the tests insist on them.
need_qt() {
    case $extras in
        *dev*) wanted="$qt_packages $test_packages" ;;
        *) wanted=$qt_packages ;;
    esac
    if ! command -v dpkg-query >/dev/null; then
        warn "this is not Debian: if the app does not start, install what Qt 6 needs with your package manager"
        return
    fi
    # shellcheck disable=SC2086  # a list of words
    missing=$(missing_packages $wanted)
    case "$(id -u) $extras $missing" in
        *" ") ;;
        0\ * | *dev*) install_packages $missing ;;
        *) warn "the app will not start before you type:  sudo apt-get install -y$missing" ;;
    esac
}
need_qt

printf 'setup: installing graphviz_nn[%s] into %s (PyTorch is large: the first time takes minutes)\n' "$extras" "$venv" >&2
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt"
# PyTorch goes first and by version alone, so that pip takes the build that its index or wheel folder offers for this
# machine (CPU or CUDA) before it looks at anything else.
$pip torch
$pip --editable ".[$extras]"
