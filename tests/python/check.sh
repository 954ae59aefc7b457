#!/bin/bash
# The Python package as it was built: its style, its types, and its tests against the real bluesky,
# databroker and Tiled.
# check.sh [PYTEST OPTION...]. BUILD is the folder of what was built, COPHYD_SIM the simulator.
set -eu
cd "$(dirname "$0")/../.."
venv=$BUILD/python-venv/bin
export PYTHONPATH="$BUILD/python" COPHYD_STATE_DIR="$BUILD/state/python" PYTHONDONTWRITEBYTECODE=1
rm -rf "$COPHYD_STATE_DIR"

for what in check 'format --check'; do
    # shellcheck disable=SC2086
    "$venv/ruff" $what -q --config tests/python/ruff.toml \
        src/python tests/python tests/faults examples/python
done
"$venv/mypy" --config-file tests/python/mypy.ini "$BUILD/python/cophyd"

# run VENV TEST...: with the options that were given, which may choose none of these.
options=("$@")
run() {
    local status=0
    "$BUILD/$1-venv/bin/python" -m pytest -q -p no:cacheprovider -c tests/python/pytest.ini \
        --rootdir tests/python "${@:2}" ${options[@]+"${options[@]}"} || status=$?
    [ $status != 5 ] || [ ${#options[@]} = 0 ] || status=0
    return $status
}
run python tests/python --ignore tests/python/consumers
run tiled tests/python/consumers
run databroker tests/python/consumers/test_databroker.py
