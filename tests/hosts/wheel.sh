#!/bin/bash
# The wheel, installed by pip into an empty environment far from here, takes a picture and reads it: with
# its own libraries and nothing of what was built; and the programs of examples/python run with it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/hosts/host.sh
top=$PWD

wheels=("$build"/wheel/*.whl)
check "there is one wheel: ${wheels[*]##*/}" [ ${#wheels[@]} = 1 ]
check 'its name tells the oldest glibc that it runs with' \
    grep -qE '^cophyd-[0-9.]+-py3-none-manylinux_2_[0-9]+_x86_64.whl$' <<<"${wheels[0]##*/}"
check 'auditwheel agrees' eval "'$build/wheel-venv/bin/auditwheel' show '${wheels[0]}' |
    tee /dev/stderr | tr '\n' ' ' | grep -qF '\"$(grep -o 'manylinux_2_[0-9]*_x86_64' <<<"${wheels[0]}")\"'"

# Each library that is inside has its licence inside, too; but the two stand-ins are ours.
python3 -m zipfile -l "${wheels[0]}" >"$work/list"
for library in $(sed -n 's|^cophyd.libs/\(lib[^ -]*\)-[0-9a-f]*\.so.*|\1|p' "$work/list"); do
    case $library in
    libcurl | libcrypto) ;;
    *) check "the notice of $library" grep -q "licenses/notices/${library%_serial}" "$work/list" ;;
    esac
done
check 'our own licence' grep -q 'dist-info/licenses/LICENSE' "$work/list"
check 'no library of EPICS' eval '! grep -qE "libca|libCom" "$work/list"'

python3 -m venv "$work/venv"
pip=("$work/venv/bin/python" -m pip -q --disable-pip-version-check)
check 'pip installs it' "${pip[@]}" install -c tests/hosts/peers.txt "${wheels[0]}"
check 'all that it asks for is there' "${pip[@]}" check

# picture MODULE...: in the environment, without this one's.
cp tests/hosts/wheel.py "$work"
simulator
picture() {
    (cd "$work" && env -i EPICS_CA_NAME_SERVERS="$EPICS_CA_NAME_SERVERS" EPICS_CA_ADDR_LIST= \
        EPICS_CA_AUTO_ADDR_LIST=NO COPHYD_STATE_DIR="$work/state" \
        timeout 100 "$work/venv/bin/python" -I wheel.py "$ioc_root" "$read_root" "$top" "$@")
}
check 'it takes a picture' picture
check 'pip installs h5py' "${pip[@]}" install -c tests/hosts/peers.txt h5py
check 'it reads the same as h5py in one process' picture h5py

# The guide's programs, with it.
cp examples/python/*.py "$work"
export COPHYD_STATE_DIR=$work/state
does_as_pilatus "$work/venv/bin/python" "$work/pilatus.py"
check 'pip installs bluesky' "${pip[@]}" install -c tests/python/peers.txt bluesky
simulator
timeout 60 "$work/venv/bin/python" "$work/count.py" Pilatus: "$ioc_root" "$read_root" >"$work/out" 2>&1
check "bluesky's RunEngine counts" [ $? = 0 ]
check 'and prints what the guide shows' diff <(alike tests/data/examples/python_count.txt) <(alike "$work/out")
echo "1..$n"
