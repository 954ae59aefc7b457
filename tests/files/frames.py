"""Files that h5py and hdf5plugin wrote, read by oph_frames: every filter, element type and shape. In
TAP. libcophyd runs in a process of its own (as "read"), since it brings another libhdf5."""

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile


class Info(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_uint32), ("dtype", ctypes.c_int32), ("item_bytes", ctypes.c_uint32),
        ("rank", ctypes.c_uint32), ("shape", ctypes.c_int64 * 10), ("frame_bytes", ctypes.c_int64),
        ("filters", ctypes.c_char * 128)]


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("rest", ctypes.c_char * 4096)]


def read():
    """Answers each line, the name of a file, with the digest of its pixels, or the code of the error."""
    lib = ctypes.CDLL(f"{os.environ['BUILD']}/lib/libcophyd.so")
    lib.oph_frames_open.argtypes = [
        ctypes.c_char_p, ctypes.c_char_p, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p]
    lib.oph_frames_read.argtypes = [
        ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    lib.oph_frames_describe.argtypes = [ctypes.c_void_p] * 3
    lib.oph_frames_free.argtypes = [ctypes.c_void_p]
    for line in sys.stdin:
        frames, info, error = ctypes.c_void_p(), Info(size=ctypes.sizeof(Info)), Error()
        code = lib.oph_frames_open(line.strip().encode(), None, 0, ctypes.byref(frames), ctypes.byref(error))
        if code == 0:
            code = lib.oph_frames_describe(frames, ctypes.byref(info), ctypes.byref(error))
        if code == 0:
            pixels = ctypes.create_string_buffer(max(info.shape[0] * info.frame_bytes, 1))
            code = lib.oph_frames_read(
                frames, 0, info.shape[0], pixels, info.shape[0] * info.frame_bytes, ctypes.byref(error))
        lib.oph_frames_free(frames)
        if code == 0:
            print(hashlib.sha1(memoryview(pixels)[: info.shape[0] * info.frame_bytes]).hexdigest(), flush=True)
        else:
            print(code, bytes(error)[4:].replace(b"\0", b" ").decode(errors="replace").split("wanted")[-1][:200], flush=True)


if sys.argv[1:] == ["read"]:
    read()
    sys.exit()

import h5py
import hdf5plugin
import numpy as np

from check import Tap

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">i2", ">u4", ">f8"]
FILTERS = {
    "none": {},
    "deflate": {"compression": "gzip"},
    "shuffle+deflate": {"compression": "gzip", "shuffle": True},
    "shuffle": {"shuffle": True},
    "fletcher32": {"fletcher32": True},
    "shuffle+deflate+fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "LZ4": hdf5plugin.LZ4(),
    "LZ4 in blocks": hdf5plugin.LZ4(nbytes=512),
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle+LZ4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle+LZ4 in blocks": hdf5plugin.Bitshuffle(cname="lz4", nelems=64),
    "bitshuffle+Zstandard": hdf5plugin.Bitshuffle(cname="zstd"),
    "Zstandard": hdf5plugin.Zstd(),
    "shuffle+LZ4": {"shuffle": True, **hdf5plugin.LZ4()},
} | {
    f"Blosc {cname} {shuffle}": hdf5plugin.Blosc(cname=cname, shuffle=shuffle)
    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd") for shuffle in range(3)
}
SHAPES = {
    "a frame a chunk": ((5, 33, 47), (1, 33, 47)),
    "three frames a chunk": ((5, 33, 47), (3, 33, 47)),
    "tiles": ((5, 33, 47), (2, 10, 9)),
    "rows": ((5, 33, 47), (1, 1, 47)),
    "one frame": ((1, 33, 47), (1, 33, 47)),
    "an image": ((33, 47), (8, 47)),
    "four axes": ((3, 4, 9, 11), (1, 2, 9, 5)),
    "no frame": ((0, 33, 47), (1, 33, 47)),
    "many frames": ((10000, 3, 5), (1, 3, 5)),
}


def pixels(shape, dtype):
    rng = np.random.default_rng(5)
    if dtype[-2] == "f":
        return rng.normal(size=shape).astype(dtype)
    return rng.poisson(3, shape).astype(dtype)


def write(path, shape, chunks, dtype, options, libver="earliest"):
    data = pixels(shape, dtype)
    with h5py.File(path, "w", libver=(libver, "v110")) as file:
        file.create_dataset("/entry/data/data", shape, dtype, chunks=chunks,
                            maxshape=(None, *shape[1:]), **options)[...] = data
    return hashlib.sha1(data.astype(data.dtype.newbyteorder("=")).tobytes()).hexdigest()


def main():
    tap = Tap()
    reader = subprocess.Popen(
        [sys.executable, __file__, "read"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, HDF5_PLUGIN_PATH=hdf5plugin.PLUGIN_PATH))

    def ask(path):
        print(path, file=reader.stdin, flush=True)
        return reader.stdout.readline().strip()

    def compare(what, *arguments, **options):
        path = f"{folder}/x.h5"
        wanted = write(path, *arguments, **options)
        found = ask(path)
        tap.ok(found == wanted, what if found == wanted else f"{what}: {found}")
        os.unlink(path)

    with tempfile.TemporaryDirectory(prefix="cophyd-files-") as folder:
        for name, options in FILTERS.items():
            for dtype in TYPES:
                compare(f"{name}, {dtype}", *SHAPES["a frame a chunk"], dtype, options)
            for shape, (dims, chunks) in SHAPES.items():
                compare(f"{name}, {shape}", dims, chunks, "i4", options, libver="v110")
        path = f"{folder}/sparse.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("/entry/data/data", (9, 8, 8), "u2", chunks=(1, 8, 8))[4] = 7
        found = ask(path)
        tap.ok(found.startswith("-17 ") and "frame 0" in found and "never written" in found, f"sparse: {found}")
        reader.stdin.close()
    print(f"1..{tap.count}")
    return reader.wait() or tap.failed > 0


sys.exit(main())
