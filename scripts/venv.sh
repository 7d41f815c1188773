#!/bin/sh
# venv.sh DIRECTORY REQUIREMENTS: a virtual environment with the pinned requirements and driftline itself, editable.
# Called by the Makefile, which sets PYTHON. pip is left to its own settings for where packages come from.
set -eu
directory=$1
requirements=$2
python=${PYTHON:-python3}

stop() {
    echo "$1" >&2
    exit 1
}

command -v "$python" >/dev/null || stop "There is no '$python' here. Install Python 3.11 or later, or name yours: make PYTHON=/path/to/python3."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "driftline needs Python 3.11 or later and '$python' is $("$python" -V 2>&1). Name another one: make PYTHON=python3.12."

if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3-venv
    fi
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        stop "'$python' cannot make virtual environments. On Debian or Ubuntu install them with: apt-get install python3-venv."
fi

# An environment of another Python, or one whose making was interrupted, is made anew.
version='import sys; print(sys.version_info[:2])'
if [ "$("$directory/bin/python" -c "import pip; $version" 2>/dev/null)" != "$("$python" -c "$version")" ]; then
    "$python" -m venv --clear "$directory"
fi

pip() {
    "$directory/bin/python" -m pip --disable-pip-version-check --quiet "$@"
}
echo "Installing $requirements into $directory ..."
pip install --requirement "$requirements"
pip install --no-deps --no-build-isolation --editable .
