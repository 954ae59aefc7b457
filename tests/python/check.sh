#!/bin/sh
# The Python package as it was built: its style, its types, and its tests against the real bluesky.
# check.sh [PYTEST OPTION...]. BUILD is the folder of what was built, COPHYD_SIM the simulator.
set -eu
cd "$(dirname "$0")/../.."
venv=$BUILD/python-venv/bin
export PYTHONPATH="$BUILD/python" COPHYD_STATE_DIR="$BUILD/state/python" PYTHONDONTWRITEBYTECODE=1
rm -rf "$COPHYD_STATE_DIR"

for what in check 'format --check'; do
    # shellcheck disable=SC2086
    "$venv/ruff" $what -q --config tests/python/ruff.toml src/python tests/python tests/faults
done
"$venv/mypy" --config-file tests/python/mypy.ini "$BUILD/python/cophyd"
exec "$venv/python" -m pytest -q -p no:cacheprovider -c tests/python/pytest.ini --rootdir tests/python tests/python "$@"
