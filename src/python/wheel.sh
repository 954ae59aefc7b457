#!/bin/sh
# wheel.sh VERSION: builds build/wheel/cophyd-VERSION-py3-none-manylinux_*.whl from build/lib and
# build/python. libca and libCom come with the package epicscorelibs, which it depends on; auditwheel
# copies all other libraries but those of every Linux into it, under names of their own.
set -eu
cd "$(dirname "$0")/../.."
version=$1
epics=$(cat build/venv/complete)
grep -q "epicscorelibs==$epics" src/python/pyproject.toml || {
    echo "wheel.sh: wanted epicscorelibs==$epics in src/python/pyproject.toml, found another" >&2
    exit 1
}
tools=$PWD/build/wheel-venv/bin
work=$PWD/build/wheel
tree=$work/tree
rm -rf "$work"
mkdir -p "$tree/cophyd" "$tree/notices" "$work/stubs"

cp src/python/pyproject.toml src/python/hatch_build.py LICENSE README.md "$tree"
cp build/python/cophyd/*.py build/python/cophyd/py.typed "$tree/cophyd"
lib=$tree/cophyd/libcophyd.so.0
cp build/lib/libcophyd.so.0 "$lib"
"$tools/patchelf" --set-rpath "\$ORIGIN/../epicscorelibs/lib" "$lib"

# needed LIBRARY: the files that it needs, all the way down.
needed() { LD_LIBRARY_PATH=${instead:-} ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'; }

# Debian's HDF5 can read files from S3, which takes libcurl and OpenSSL with all that those need. In
# their places go libraries whose functions return 0: opening such a file fails, nothing else does.
hdf5=$(needed build/lib/libcophyd.so | grep '/libhdf5')
for soname in $(readelf -d "$hdf5" | sed -n 's/.*NEEDED.*\[\(lib\(curl\|crypto\)\.so\.[0-9]*\)\]/\1/p'); do
    stub=$work/stubs/$soname
    # Which functions, of which versions.
    versions=$(readelf -VW "$hdf5" | sed -n "/File: $soname/,/File:/s/.*Name: \([A-Z_0-9.]*\) .*/\1/p")
    for of in $versions; do
        names=$(nm -D --undefined-only "$hdf5" | sed -n "s/.* U \(.*\)@$of\$/\1/p")
        printf 'void *%s(void) { return 0; }\n' $names >>"$stub.c"
        { echo "$of {" && printf '%s;\n' $names && echo '};'; } >>"$stub.map"
    done
    ${CC:-cc} -shared -fPIC -w -fno-builtin -nostdlib -Wl,-soname,"$soname" -Wl,--version-script="$stub.map" -o "$stub" "$stub.c"
done
instead=$work/stubs
for file in $(needed build/lib/libcophyd.so); do
    case $file in /usr/lib/* | /lib/*) ;; *) instead=$instead:${file%/*} ;; esac
done

# The notices of what is copied: by Debian's packages.
for file in $(needed "$lib"); do
    case $file in "$PWD"/*) continue ;; esac
    package=$(dpkg-query -S "$(readlink -f "$file")" "$file" 2>/dev/null | sed 's/:.*//;q')
    case $package in
    libc6 | libgcc-s1 | libstdc++6) continue ;; # not copied
    '') echo "wheel.sh: wanted the package of $file for its licence, found none" >&2 && exit 1 ;;
    esac
    cp "/usr/share/doc/$package/copyright" "$tree/notices/$package"
done

COPHYD_VERSION=$version "$tools/python" -m pip wheel -q --no-deps --no-build-isolation \
    --disable-pip-version-check -w "$work/plain" "$tree"
PATH=$tools:$PATH AUDITWHEEL_LD_LIBRARY_PATH=$instead auditwheel repair --strip --only-plat \
    --exclude 'libca.so.*' --exclude 'libCom.so.*' -w "$work" "$work"/plain/*.whl
rm -rf "$work/plain" "$work/stubs" "$tree"
ls "$work"/*.whl
