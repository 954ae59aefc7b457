#!/bin/bash
# Builds and tests on other platforms: run.sh [--short] [NAME]... (make platforms PLATFORMS='NAME...').
# A line each: ok, FAILED or NOT AVAILABLE and why; the last two fail. What is built stays in
# build/platforms, and so do the logs. --short: what is quick enough for each change.
set -u
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES EPICS_BASE
base=build/platforms
mkdir -p $base

# NAME  SHORT  what it shows
table='
clang       yes  clang and its C++: all programs, and the unit tests
arm         yes  32 bits, under qemu-user: all but what calls EPICS, HDF5 and jansson
s390x       yes  the other byte order, under qemu-user: the same
glibc       yes  the oldest C library that it can be built with, and that what was built here runs with
debian-11   no   glibc 2.31, gcc 10 and HDF5 1.10.6, in a chroot: the unit tests, and some with an IOC
libca       no   libca 7.0.3 of Debian: without headers it is refused, with those of a Base it will do
base-7.0.10 no   EPICS Base, built from source, in the folders of a Base tree
base-7.0.7  no   a Base of 2023, client and simulator
base-7.0.3  no   a Base of 2020, which has no simulator
hdf5-1.14   no   HDF5 1.14, built from source
'

# --- What a row calls. It says why it failed on its last line.

# lacks COMMAND PACKAGE...: where there is no such command.
lacks() {
    command -v "$1" >/dev/null && return 1
    echo "there is no $1: apt-get install -y --no-install-recommends ${*:2}"
}
unavailable=77

# A copy of the sources with a build of its own.
sources_to() {
    git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$1"
}
tree() { mkdir -p "$base/$1" && sources_to "$base/$1" && cd "$base/$1"; }
# A configured tree's tests. Those named are built, and no others.
tests() { make -j2 all && make -j2 check TESTS="$*"; }
unit() { printf 'build/tests/unit/%s ' "$@"; }
ioc() { printf 'build/tests/ioc/%s ' "$@"; }

clang() {
    lacks clang clang && return $unavailable
    make -j2 B=$base/clang CC=clang CXX=clang++ check \
        TESTS="$(cd tests && printf "$base/clang/tests/%s " unit/test_*.c | sed 's/\.c / /g')"
}

# What EPICS, libuuid and the tests' own libCom would be is in stubs.c; all else is as it is.
sources='src/base/*.c src/core/*.c src/ad/*.c src/ad/*.S src/h5/bits.c src/h5/buffer.c src/h5/cbf.c
    src/h5/flat.c src/h5/pieces.c src/h5/pool.c src/h5/tiff.c src/h5/undo.c tests/platforms/stubs.c'
helpers='await check child count derive events facts fake_ioc fake_link process state things'
# Not of these: other libraries; what a fork does is not known to qemu-user, which does not carry out
# MADV_WIPEONFORK; and a program that starts itself again would start the emulator.
others='test_doc_* test_failing_* test_frames* test_hostile_ioc test_picture* test_sim_* test_view_*'
forks='test_class_rows test_device test_journal test_local_life test_process test_queue test_recover
    test_subscription'
# Each of the forms of text and data, and the threads.
short='test_class_text test_class_write test_err test_full_name test_group test_journal_text test_loop
    test_ops test_settings_text test_single_trigger test_stage_fake test_str test_template test_vec'

portable() {
    local cc=$1-gcc emulator=$2 package=$3 out=$base/$4
    local packages="$package libc6-dev-$5-cross qemu-user"
    lacks "$cc" "$packages" && return $unavailable
    lacks "$emulator" "$packages" && return $unavailable
    local makefile=$out/makefile
    mkdir -p "$out"
    {
        echo "CC = $cc"
        echo 'FLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread -O1 -g -Wall -Wextra \'
        echo ' -Wpedantic -Wshadow -Wvla -Wformat=2 -Werror -Isrc -Iinclude -Itests -Itests/platforms/stubs \'
        echo ' -fno-builtin-strcmp' # which test_growth counts
        echo "SRC = \$(wildcard $(echo $sources)) $(printf 'tests/lib/%s.c ' $helpers)"
        echo "OBJ = \$(patsubst %,$out/%.o,\$(SRC))"
        echo "\$(OBJ): $makefile"
        echo "$out/%.o: %; @mkdir -p \$(@D)"
        printf '\t$(CC) $(FLAGS) -MMD -MP -Wa,--noexecstack -c -o $@ $<\n'
        echo "$out/lib.a: \$(OBJ); rm -f \$@ && $1-ar rcs \$@ \$(OBJ)"
        echo "$out/%: tests/%.c $out/lib.a; @mkdir -p \$(@D)"
        printf '\t$(CC) $(FLAGS) -o $@ $< %s/lib.a -lm\n' "$out"
        echo '-include $(OBJ:.o=.d)'
    } >"$makefile.new"
    cmp -s "$makefile.new" "$makefile" || cp "$makefile.new" "$makefile"
    local programs=$out/platforms/test_decoders name
    for name in tests/unit/test_*.c; do
        name=$(basename "$name" .c)
        is_one "$name" $others $forks || { [ $quick = yes ] && ! is_one "$name" $short; } ||
            programs="$programs $out/unit/$name"
    done
    make -f "$makefile" -j2 $programs || return
    TEST_TIMEOUT=1200 BUILD=$out prove -j2 \
        --exec "tests/lint/tap.sh $emulator -L /usr/$1" $programs
}
# is_one WORD PATTERN...
is_one() {
    local pattern
    for pattern in "${@:2}"; do
        # shellcheck disable=SC2254
        case $1 in $pattern) return 0 ;; esac
    done
    return 1
}
arm() { portable arm-linux-gnueabihf qemu-arm gcc-arm-linux-gnueabihf arm armhf; }
s390x() { portable s390x-linux-gnu qemu-s390x gcc-s390x-linux-gnu s390x s390x; }

# newest FILE...: the newest version of glibc among the symbols that they need.
newest() {
    objdump -T "$@" | sed -n 's/.*\*UND\*.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -Vu | tail -n 1
}
not_newer() { [ "$(printf '%s\n' "$@" | sort -V | tail -n 1)" = "$1" ]; }
# Zig has the headers and the symbols of every glibc: what it links needs nothing newer. It looks into
# no folder of the system unless told, has its own compiler's library, but for the processor's model, and
# its headers are new ones, which deprecate what an old glibc has.
zig_cc() {
    local to=$PWD/$base/zig file
    [ -e "$to/ziglang/zig" ] || {
        mkdir -p "$to" && index --only-binary :all: -d "$to" ziglang==0.13.0 &&
            (cd "$to" && python3 -m zipfile -e ./*.whl . && rm ./*.whl && chmod +x ziglang/zig) || return
    }
    dpkg -L uuid-dev liblz4-dev libblosc-dev libdeflate-dev libjansson-dev librdkafka-dev libpng-dev zlib1g-dev |
        sed -n 's|^/usr/include/\(x86_64-linux-gnu/\)\{0,1\}\(.*\.h\)$|& \2|p' | while read -r from file; do
        mkdir -p "$(dirname "$to/include/$file")" && ln -sf "$from" "$to/include/$file"
    done
    for file in cc c++; do
        cat >"$to/$file" <<END
#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR=$to/cache ZIG_LOCAL_CACHE_DIR=$to/cache
case " \$* " in *' -c '*) ;; *) set -- "\$@" $(cc -print-libgcc-file-name) ;; esac
exec $to/ziglang/zig $file -target x86_64-linux-gnu.$1 -Wno-deprecated-declarations -isystem $to/include -L/usr/lib/x86_64-linux-gnu "\$@"
END
        chmod +x "$to/$file"
    done
}
glibc() {
    local libraries="build/lib/libcophyd.so build/lib/libcophyd-doc.so" programs='build/bin/cophyd build/bin/cophyd-sim'
    local zig=$PWD/$base/zig here there
    lacks dpkg dpkg && return $unavailable
    # shellcheck disable=SC2086
    make -j2 all && here=$(newest $libraries $programs) || return
    zig_cc 2.28 || return
    tree glibc && ./configure --install-deps CC="$zig/cc" CXX="$zig/c++" &&
        tests "$(ioc test_link test_sim_boot test_acquire)" || return
    # shellcheck disable=SC2086
    there=$(newest $libraries $programs)
    not_newer 2.28 "$there" && not_newer 2.34 "$here" ||
        { echo "with glibc 2.28 the build needs $there; here it needs $here, wanted at most 2.34"; return 1; }
    echo "built for glibc 2.28 (Enterprise Linux 8) all of it needs $there, and works; built here it needs $here \
(Enterprise Linux 9)"
}

# A system with a C library between those of Enterprise Linux 8 and 9.
debian-11() {
    local to=$PWD/$base/debian-11
    lacks debootstrap debootstrap && return $unavailable
    unshare --mount true 2>/dev/null || {
        echo 'only root can have a chroot'
        return $unavailable
    }
    [ -e "$to/made" ] || {
        rm -rf "$to"
        debootstrap --variant=minbase --include="gcc,g++,make,perl,pkg-config,libhdf5-dev,uuid-dev,liblz4-dev,\
libblosc-dev,libdeflate-dev,libjansson-dev,librdkafka-dev,libpng-dev" bullseye "$to" && touch "$to/made" || {
            echo 'debootstrap found no Debian 11'
            return $unavailable
        }
    }
    # What of librdkafka 1.6 stands for a broker cannot refuse a topic.
    local programs
    programs=$(cd tests && printf 'build/tests/%s ' unit/test_*.c | sed 's/\.c / /g')
    programs="${programs/build\/tests\/unit\/test_doc_kafka /} $(ioc $ioc_tests)"
    wheel_of 7.0.10.99.0.2 3.9 && mkdir -p "$to/epics" "$to/cophyd" && cp /etc/hosts "$to/etc" &&
        cp -r $base/wheel-7.0.10.99.0.2/epicscorelibs/. "$to/epics" && sources_to "$to/cophyd" || return
    # shellcheck disable=SC2016
    unshare --mount sh -c 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" sh -c "$2"' \
        sh "$to" "cd /cophyd && ./configure --with-epics=/epics && make -j2 all && make -j2 check TESTS='$programs'"
}

# What talks to libca, and the simulator.
ioc_tests='test_link test_plain_types test_plain_values test_plain_properties test_sim_boot test_sim_caget
    test_acquire'
# From the package index: the wheel of an older Base, or the sources of one.
index() {
    python3 -m pip download -q --disable-pip-version-check --no-deps --no-cache-dir "$@"
}
wheel_of() {
    local to=$base/wheel-$1
    [ -e "$to/epicscorelibs" ] || {
        mkdir -p "$to" && index --only-binary :all: --python-version "$2" -d "$to" "epicscorelibs==$1" &&
            (cd "$to" && python3 -m zipfile -e ./*.whl .)
    }
}
libca() {
    lacks dpkg-deb dpkg && return $unavailable
    local to=$PWD/$base/debian package
    mkdir -p "$to"
    (cd "$to" && apt-get -q download libca-dev libca4.13.5 libcom-dev libcom3.17.6 &&
        for package in *.deb; do dpkg-deb -x "$package" .; done) || {
        echo "no package libca4.13.5: apt-get update, on Debian 12"
        return $unavailable
    }
    wheel_of 7.0.3.99.4.0 3.8 || return
    local headers=$PWD/$base/wheel-7.0.3.99.4.0/epicscorelibs/include
    tree libca || return
    ./configure --install-deps --with-epics="$to/usr" 2>refused && return 1
    grep 'no usable EPICS Base (cadef.h, libca.so, libCom.so) there' refused || return
    # With the headers of its release it will do, beside the simulator of another.
    cp -r "$headers" "$to/usr/include" && ./configure --install-deps --with-epics="$to/usr" || return
    tests "$(ioc $ioc_tests)" || return
    readelf -d build/tests/ioc/test_link | grep -F 'libca.so.4.13.5'
}
base-7.0.7() {
    wheel_of 7.0.7.99.1.2 3.11 || return
    local epics=$PWD/$base/wheel-7.0.7.99.1.2/epicscorelibs
    tree base-7.0.7 && ./configure --with-epics="$epics" && tests "$(ioc $ioc_tests)"
}
base-7.0.3() {
    wheel_of 7.0.3.99.4.0 3.8 || return
    local epics=$PWD/$base/wheel-7.0.3.99.4.0/epicscorelibs
    tree base-7.0.3 && ./configure --with-epics="$epics" | tee configured || return
    grep 'simulator  *not available, nor its tests: .* has no database libraries of Base 7.0.5' configured ||
        return
    tests "$(unit test_hostile_ioc test_group test_stage_fake)"
}
# Its own makefiles are not in the package; what builds it there is what makes the wheel.
base-7.0.10() {
    local version=7.0.10.99.0.2 from=$base/epics-source to=$base/epics-base part
    if [ ! -e $to/lib ]; then
        rm -rf $from $to
        mkdir -p $from $to/lib $to/include/os/Linux $to/include/compiler/gcc
        python3 -m venv $from/venv &&
            $from/venv/bin/pip install -q --disable-pip-version-check 'setuptools==65.5.0' 'wheel==0.45.1' \
                'setuptools_dso==2.12.2' &&
            PATH="$PWD/$from/venv/bin:$PATH" index --no-binary :all: --no-build-isolation -d $from \
                epicscorelibs==$version &&
            tar -xzf $from/epicscorelibs-$version.tar.gz -C $from &&
            (cd $from/epicscorelibs-$version && ../venv/bin/python setup.py -q build_dso build_ext) || return
        part=$(echo $from/epicscorelibs-$version/build/lib.*/epicscorelibs)
        cp -r "$part/include/." $to/include && cp -r "$part/dbd" $to && cp -a "$part/lib" $to/linux || return
        # As a Base tree has them.
        (cd $to/include && mv compilerSpecific.h compiler/gcc && mv osd*.h os/Linux) || return
        mkdir -p $to/lib && mv $to/linux $to/lib/linux-x86_64
    fi
    local epics=$PWD/$to
    tree base-7.0.10 && ./configure --with-epics="$epics" && tests "$(ioc $ioc_tests)"
}

# The crate has the sources of libhdf5.
hdf5-1.14() {
    lacks cargo cargo && return $unavailable
    lacks cmake cmake && return $unavailable
    local to=$PWD/$base/hdf5
    if [ ! -e "$to/lib/libhdf5.so" ]; then
        mkdir -p "$to/crate/src" && touch "$to/crate/src/lib.rs"
        printf '[package]\nname = "sources"\nversion = "0.1.0"\n[dependencies]\nhdf5-metno-src = "=0.9.5"\n[workspace]\n' \
            >"$to/crate/Cargo.toml"
        # It looks for szip by a file of CMake's, which Debian's libaec-dev comes without.
        mkdir -p "$to/libaec" && cat >"$to/libaec/libaec-config.cmake" <<'END'
foreach(name sz aec)
  find_library(file_${name} ${name} REQUIRED)
  add_library(libaec::${name} SHARED IMPORTED)
  set_target_properties(libaec::${name} PROPERTIES IMPORTED_LOCATION ${file_${name}})
endforeach()
END
        (cd "$to/crate" && cargo vendor -q >/dev/null) &&
            cmake -S "$to/crate/vendor/hdf5-metno-src/ext/hdf5" -B "$to/build" -DCMAKE_BUILD_TYPE=Release \
                -DCMAKE_INSTALL_PREFIX="$to" -DBUILD_STATIC_LIBS=OFF -DBUILD_TESTING=OFF \
                -DHDF5_BUILD_TOOLS=OFF -DHDF5_BUILD_EXAMPLES=OFF -DHDF5_BUILD_CPP_LIB=OFF \
                -DHDF5_ENABLE_Z_LIB_SUPPORT=ON -DHDF5_ENABLE_SZIP_SUPPORT=ON \
                -Dlibaec_DIR="$to/libaec" &&
            cmake --build "$to/build" -j2 --target install || return
    fi
    tree hdf5-1.14 && ./configure --install-deps --with-hdf5="$to" | tee configured || return
    grep 'HDF5  *1\.14\.' configured || return
    tests "$(cd tests && printf 'build/tests/%s ' unit/test_frames*.c unit/test_sim_hdf5.c | sed 's/\.c / /g')" \
        "$(ioc test_sim_hdf5 test_sim_swmr test_sim_compression test_acquire)"
}

# --- The rows

quick=no
[ "${1:-}" != --short ] || { quick=yes && shift; }
failed=0 known=
while read -r name in_short what; do
    [ -n "$name" ] || continue
    known="$known $name"
    [ $# = 0 ] && [ $quick = yes ] && [ "$in_short" = no ] && continue
    [ $# = 0 ] || is_one "$name" "$@" || continue
    log=$base/$name.log
    began=$SECONDS
    ("$name") >"$log" 2>&1 </dev/null
    rc=$?
    case $rc in
    0) result=ok ;;
    $unavailable) result='NOT AVAILABLE' failed=1 ;;
    *) result=FAILED failed=1 ;;
    esac
    printf '%-12s %-13s %4d s  %s\n' "$name" "$result" $((SECONDS - began)) "$what"
    [ $rc = 0 ] && [ "$name" != glibc ] || tail -n 1 "$log" | sed 's/^/             /'
    [ $rc = 0 ] || [ $rc = $unavailable ] || echo "             see $log"
done <<<"$table"
for name; do
    is_one "$name" $known || { echo "wanted one of$known, found '$name'" >&2 && failed=1; }
done
exit $failed
