#!/bin/sh
# Fails on an #include that the layers (src/README.md) do not allow.
set -eu
cd "$(dirname "$0")/../.."

# FOLDER WHAT-IT-MAY-INCLUDE...: a folder of src, one header, or the headers of a library.
table='
base   base
ca     ca base EPICS cadef
core   core base ca/link.h
h5     h5 base HDF5
kit    kit
ad     ad core h5 base ca/link.h uuid
doc    doc base jansson rdkafka uuid
cli    cli jansson png
sim    sim cophyd/version.h EPICS HDF5
'
libc='assert complex ctype dirent dlfcn endian errno fcntl fenv float glob immintrin inttypes libgen limits
locale malloc math netdb poll pthread pwd sched semaphore signal spawn stdalign stdarg stdatomic stdbool
stddef stdint stdio stdlib stdnoreturn string strings syslog threads time uchar ucontext unistd wchar
wctype'

find include src -name '*.[chS]' | sort | xargs awk -v table="$table" -v libc="$libc" '
    BEGIN {
        n = split(table, line, "\n")
        for (i = 1; i <= n; i++) {
            count = split(line[i], word)
            for (j = 2; j <= count; j++) may[word[1], word[j]] = 1
        }
        n = split(libc, word)
        for (i = 1; i <= n; i++) is_libc[word[i] ".h"] = 1
    }
    function owner(header) {
        if (header in is_libc || header ~ /^(sys|net|netinet|arpa|linux)\//) return "libc"
        if (header ~ /^(hdf5|H5.*|lz4.*|zlib|blosc|libdeflate)\.h$/) return "HDF5"
        if (header ~ /^uuid/) return "uuid"
        if (header == "jansson.h") return "jansson"
        if (header ~ /^librdkafka\//) return "rdkafka"
        if (header == "png.h") return "png"
        if (header ~ /^cophyd\//) return header
        return header == "cadef.h" ? "cadef" : "EPICS"
    }
    function allowed(from, quoted, target) {
        if (target ~ /^cophyd\// && from != "sim") return 1
        if (!quoted) return owner(target) == "libc" || ((from, owner(target)) in may)
        return ((from, target) in may) || ((from, substr(target, 1, index(target, "/") - 1)) in may)
    }
    /^[ \t]*#[ \t]*include/ {
        split(FILENAME, path, "/")
        from = path[1] == "include" ? "include" : path[2]
        split($0, part, /[<">]/)
        if (!allowed(from, $0 ~ /"/, part[2])) {
            printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, part[2]
            failed = 1
        }
    }
    END { exit failed }
'
