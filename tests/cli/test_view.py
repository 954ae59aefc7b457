#!/usr/bin/env -S python3 -B
"""cophyd view: its statistics, documents and pictures, each pixel of them, beside the frame."""
import math
import os
import signal
import struct
import zlib

from cli import Simulator
from harness import PREFIX, Command, Screen, done, has, ok, same, same_rows, wait_until

WIDTH, HEIGHT = 61, 47


def simulated(number):
    """A simulated Pilatus's frame."""
    return [[(7919 * number + 2500 * y + x) % 1048576 for x in range(WIDTH)] for y in range(HEIGHT)]


def masked():
    """One with gaps, a bad and a hot pixel, and few counts."""
    rows = [[(x * y) % 5 if x % 3 == 0 else 0 for x in range(61)] for y in range(45)]
    for y in (20, 21, 22):
        rows[y] = [-1] * 61
    rows[7][11] = -2
    rows[30][50] = 1048575
    return rows


def write_tiff(path, rows):
    height, width = len(rows), len(rows[0])
    data = b"".join(struct.pack("<%di" % width, *row) for row in rows)
    tags = [(256, 4, width), (257, 4, height), (258, 3, 32), (259, 3, 1), (262, 3, 1), (273, 4, 0),
            (277, 3, 1), (278, 4, height), (279, 4, len(data)), (339, 3, 2)]
    start = 8 + 2 + 12 * len(tags) + 4
    tags[5] = (273, 4, start)
    with open(path, "wb") as out:
        out.write(b"II*\0" + struct.pack("<IH", 8, len(tags)))
        out.write(b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags))
        out.write(struct.pack("<I", 0) + data)


def write_hdf5(path, shape, pixels):
    """Bytes as the dataset /data, by the HDF5 specification alone: a superblock of version 0, the
    headers of the root group, which has one link, and of a dataset that is contiguous."""
    none, size = 2**64 - 1, len(pixels)

    def header(*messages):
        packed = b""
        for kind, body in messages:
            body += bytes(-len(body) % 8)
            packed += struct.pack("<HH4x", kind, len(body)) + body
        return struct.pack("<BxHII4x", 1, len(messages), 1, len(packed)) + packed

    def file(dataset, data):
        link = (6, b"\1\0\4data" + struct.pack("<Q", dataset))
        root = header((2, b"\0\0" + struct.pack("<QQ", none, none)), (10, b"\0\0"), link)
        space = (1, struct.pack("<BBBB4x%dQ" % len(shape), 1, len(shape), 0, 0, *shape))
        of_bytes = (3, struct.pack("<IIHH", 0x10, 1, 0, 8))
        layout = (8, struct.pack("<BBQQ", 3, 1, data, size))
        block = b"\x89HDF\r\n\x1a\n" + struct.pack("<5xBBxHHI4Q", 8, 8, 4, 16, 0, 0, none, data + size, none)
        block += struct.pack("<QQ24x", 0, 96)
        return block + root, header(space, of_bytes, layout)

    root, dataset = map(len, file(0, 0))
    with open(path, "wb") as out:
        out.write(b"".join(file(root, root + dataset)) + pixels)


def read_png(data):
    """Palette and rows of indices, by the PNG specification alone."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, palette, packed = 8, None, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            assert (depth, color) == (8, 3)
        elif kind == b"PLTE":
            palette = [tuple(body[i:i + 3]) for i in range(0, length, 3)]
        elif kind == b"IDAT":
            packed += body
    raw, rows, above = zlib.decompress(packed), [], bytes(width)
    for y in range(height):
        how, line = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
        for x in range(width):
            a, b, c = (line[x - 1] if x else 0), above[x], (above[x - 1] if x else 0)
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = (line[x] + (0, a, b, (a + b) // 2, nearest)[how]) % 256
        above = bytes(line)
        rows.append(list(line))
    return palette, rows


# --- What is to come out

def valid(rows):
    return sorted(v for row in rows for v in row if v is not None and v >= 0)


def at_percent(values, percent):
    return values[int(percent / 100 * (len(values) - 1))]


def limits(rows):
    values = valid(rows)
    low, high = at_percent(values, 1), at_percent(values, 99)
    above = [v for v in values if v > low]
    return low, high if high > low or not above else at_percent(above, 99)


def level(value, low, high, log):
    if value is None or value < 0:
        return 255
    part = min(1, max(0, (value - low) / (high - low))) if high > low else 0
    if log and high > low and 0 < part < 1:
        part = math.log1p((high - low) * part) / math.log1p(high - low)
    return int(part * 254 + 0.5)


def levels(rows, low, high, log=True):
    return [[level(v, low, high, log) for v in row] for row in rows]


def shrunk(rows, width, height):
    """Each pixel of the picture is the brightest of those that it covers."""
    result = [[None] * width for _ in range(height)]
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            tx, ty = x * width // len(row), y * height // len(rows)
            if value >= 0 and (result[ty][tx] is None or result[ty][tx] < value):
                result[ty][tx] = value
    return result


# --- Files

def test_statistics(command, folder):
    rows, path = masked(), os.path.join(folder, "masked.tif")
    write_tiff(path, rows)
    values = valid(rows)
    low, high = limits(rows)
    [found] = command.lines("view", "--json", path)
    wanted = {"file": path, "frame": 0, "frames": 1, "unique_id": None, "time": None,
              "shape": [45, 61, 1], "dtype": "int32", "filters": "none", "min": 0, "max": 1048575,
              "mean": sum(values) / len(values), "sum": sum(values), "max_at": [50, 30],
              "percentiles": {str(p): at_percent(values, p) for p in (1, 50, 99)},
              "valid": len(values), "masked": 3 * 61 + 1, "saturated": 1, "saturation": 1048575,
              "range": [low, high], "scale": "log"}
    ok(abs(found.pop("mean") - wanted.pop("mean")) < 1e-9, "the mean")
    same(found, wanted, "statistics as a document")
    [found] = command.lines("view", "--json", "--no-mask", "--saturation", "3", path)
    same((found["min"], found["masked"], found["valid"]), (-2, 0, 45 * 61), "--no-mask")
    same((found["saturation"], found["saturated"]), (3, sum(v >= 3 for v in values)),
         "--saturation")
    end = command.run("view", path)
    same(end.stdout.split("\n"),
         ["file      " + path, "size      61 x 45", "type      int32, filters: none", "min       0",
          "max       1048575 at x=50 y=30", "mean      %.6g" % (sum(values) / len(values)),
          "sum       %d" % sum(values),
          "1 50 99 %% %d  %d  %d" % tuple(at_percent(values, p) for p in (1, 50, 99)),
          "masked    184", "saturated 1 (1048575 or more)", ""], "statistics in a pipe")
    return path


def test_png(command, folder, path):
    rows, out = masked(), os.path.join(folder, "out.png")
    low, high = limits(rows)
    for words, bounds, log in (([], (low, high), True),
                               (["--scale", "linear"], (low, high), False),
                               (["--range", "1,4", "--scale", "linear"], (1, 4), False),
                               (["--percent", "0,100"], (0, 1048575), True)):
        end = command.run("view", path, "--png", out, *words)
        with open(out, "rb") as file:
            palette, found = read_png(file.read())
        same((end.returncode, len(palette)), (0, 256), "a PNG with a palette")
        same_rows(found, levels(rows, *bounds, log),
                  "each pixel of a PNG: %s" % " ".join(words or ["as it is"]))
        has(end.stdout, ["shown     %d to %d" % bounds, "png       " + out], "and what was shown")
    colors = {"dusk": (0, 0, 10), "heat": (0, 0, 0), "gray": (0, 0, 0),
              "inverted": (255, 255, 255)}
    for name, darkest in colors.items():
        data = command.run("view", path, "--png", "-", "--map", name, text=False).stdout
        same(read_png(data)[0][0], darkest, "--map %s, to standard output" % name)
    [found] = command.lines("view", "--json", "--png", out, path)
    same(found["png"], out, "a picture and a document")
    end = command.run("view", path, "--png", os.path.join(folder, "none", "out.png"))
    same((end.returncode, end.stdout), (1, ""), "a PNG in no folder fails")
    has(end.stderr, ["none/out.png: No such file or directory"], "and says why")


def test_region(command, path):
    rows = masked()
    part = [row[40:61] for row in rows[25:45]]
    [found] = command.lines("view", "--json", "--region", "40,25,21x20", path)
    same((found["shape"], found["max_at"], found["sum"]), ([20, 21, 1], [50, 30], sum(valid(part))),
         "a region, with places as in the frame")
    data = command.run("view", path, "--region", "40,25,21x20", "--png", "-", text=False).stdout
    same_rows(read_png(data)[1], levels(part, *limits(part)), "each pixel of a region")
    end = command.run("view", path, "--region", "41,25,21x20")
    same(end.returncode, 2, "a region that the frame does not have")
    has(end.stderr, ["61 x 45 pixels"], "and its size")


def test_color_region(command, folder):
    """Which axis is that of the colours the whole frame tells, not a part with other axes of 3."""
    rows = [[[10 * y % 250, 3 * x, (x + y) % 7] for x in range(30)] for y in range(20)]
    planes = [[[pixel[color] for pixel in row] for row in rows] for color in range(3)]
    between = [[[pixel[color] for pixel in row] for color in range(3)] for row in rows]
    for name, shape, pixels in (("RGB1", [1, 20, 30, 3], rows), ("RGB2", [1, 20, 3, 30], between),
                                ("RGB3", [1, 3, 20, 30], planes)):
        path = os.path.join(folder, name + ".h5")
        write_hdf5(path, shape, bytes(n for row in pixels for part in row for n in part))
        for x, y, width, height in ((5, 4, 10, 1), (6, 4, 3, 5), (5, 4, 1, 3), (2, 1, 1, 1), (7, 9, 3, 3)):
            region = "%d,%d,%dx%d" % (x, y, width, height)
            [found] = command.lines("view", "--json", "--dataset", "/data", "--region", region, path)
            part = [row[x:x + width] for row in rows[y:y + height]]
            highest = max(n for row in part for pixel in row for n in pixel)
            at = next([x + i, y + j] for j, row in enumerate(part) for i, pixel in enumerate(row)
                      if highest in pixel)
            same((found["shape"], found["sum"], found["max"], found["max_at"]),
                 ([height, width, 3], sum(n for row in part for pixel in row for n in pixel), highest, at),
                 "%s: the part %s" % (name, region))


def test_usage(command, path):
    for words, what in ((["--map", "rainbow"], "rainbow"), (["--scale", "cubic"], "cubic"),
                        (["--percent", "99,1"], "99,1"), (["--percent", "0,101"], "0,101"),
                        (["--range", "5"], "5"), (["--range", "nan,1"], "nan,1"),
                        (["--range", "0,inf"], "0,inf"), (["--saturation", "x"], "x"),
                        (["--region", "1,2,3"], "1,2,3"), (["--region", "0,0,0x1"], "0,0,0x1"),
                        (["--frame", "one"], "one"), (["-n", "1"], "-n"),
                        (["--follow", "--frame", "0"], "--frame")):
        end = command.run("view", path, *words)
        ok(end.returncode == 2 and what in end.stderr and not end.stdout,
           "%s is refused" % " ".join(words), end.stderr)
    end = command.run("view", "nothing.h5")
    same((end.returncode, end.stdout), (1, ""), "no such file")
    has(end.stderr, ["nothing.h5"], "and its name")
    end = command.run("view", command.write("text.tif", "no picture"))
    same(end.returncode, 1, "a file that is none")
    end = command.run("view", "--timeout", "0.3", "Nobody:")
    same((end.returncode, end.stdout), (3, ""), "nobody answers")


# --- The IOC

def files(folder):
    return [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names
            if name.endswith(".h5")]


def test_frames(command, sim):
    """Each of several frames, with what the IOC noted of it."""
    end = command.run("count", PREFIX, *sim.folders, "--set", "cam.image_mode=Multiple", "--set",
                      "cam.num_images=3")
    same(end.returncode, 0, "three frames are taken")
    [path] = files(sim.disk)
    for wish, number in ((0, 0), (1, 1), (2, 2), (-1, 2), (-3, 0)):
        [found] = command.lines("view", "--json", "--frame", str(wish), path)
        rows = simulated(found["unique_id"])
        same((found["frame"], found["frames"], found["min"], found["sum"]),
             (number, 3, rows[0][0], sum(map(sum, rows))), "frame %d" % wish)
        ok(found["unique_id"] == number + 1 and found["time"] > 1.7e9, "its number and time", found)
    [last] = command.lines("view", "--json", path)
    same(last["frame"], 2, "the last one, unless asked otherwise")
    [found] = command.lines("view", "--json", "--dataset", "/entry/data/data", path)
    same(found, last, "--dataset")
    for words in (["--frame", "3"], ["--frame", "-4"], ["--dataset", "/none"]):
        end = command.run("view", path, *words)
        same((end.returncode, end.stdout), (1, ""), "%s is not there" % " ".join(words))
    found = command.lines("view", "--json", "--follow", path)
    same(found, [last], "a file that grows no more is followed to its end")
    return path


def test_no_image(command):
    end = command.run("view", PREFIX)
    same((end.returncode, end.stdout), (1, ""), "no image yet")
    has(end.stderr, ["image is disabled: cophyd put Pilatus: image.enable=1"], "and what to do")


def test_live(command, sim):
    command.put("image.enable=1")
    command.run("count", PREFIX, *sim.folders)
    [found] = command.lines("view", "--json", PREFIX)
    rows = simulated(found["unique_id"])
    same((found["prefix"], found["min"], found["max"], found["sum"]),
         (PREFIX + "image1:", rows[0][0], rows[-1][-1], sum(map(sum, rows))), "the live image")
    same((found["frame"], found["file"] if "file" in found else None, found["saturation"]),
         (None, None, 1000000), "it is of no file; the camera tells where it saturates")
    data = command.run("view", PREFIX, "--png", "-", text=False).stdout
    same_rows(read_png(data)[1], levels(rows, *limits(rows)), "each pixel of it")
    [found] = command.lines("view", "--json", "--region", "3,2,4x5", PREFIX)
    same((found["shape"], found["min"], found["max_at"]), ([5, 4, 1], rows[2][3], [6, 6]),
         "a region of it")
    for words, what in ((["--frame", "0"], "--frame"), (["--image", "hdf1"], "image plugin"),
                        (["--image", "none"], "none")):
        end = command.run("view", PREFIX, *words)
        ok(end.returncode == 2 and what in end.stderr, "%s is refused" % " ".join(words),
           end.stderr)


def test_follow(command, sim):
    """Two images that come while it looks, though their numbers are the same."""
    follower = command.start("view", "--json", "--follow", "-n", "3", PREFIX)
    first = follower.stdout.readline()
    while follower.poll() is None:
        command.put("cam.array_counter=0")
        command.run("count", PREFIX, *sim.folders)
    rest, errors = follower.communicate()
    same((follower.returncode, errors, len(rest.splitlines())), (0, "", 2), "followed: " + first)
    follower = command.start("view", "--follow", PREFIX)
    follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    follower.communicate()
    same(follower.returncode, 130, "Ctrl-C ends it")


GROWING = """class Growing : SingleTrigger PilatusDetector
dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite
stage hdf1 lazy_open=1 swmr_mode=On
"""


def test_follow_nothing(command):
    """A file that does not come: a signal ends the wait for it."""
    path = os.path.join(command.folder, "late.h5")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        follower = command.start("view", "--follow", "--timeout", "1000", path)
        wait_until(lambda: int(status(follower.pid, "SigCgt"), 16) >> (number - 1) & 1, "it catches signals")
        follower.send_signal(number)
        _, errors = follower.communicate(timeout=30)
        same((follower.returncode, errors), (130, ""), "%s ends waiting for a file" % number.name)
    end = command.run("view", "--follow", "--timeout", "0.7", path)
    same(end.returncode, 1, "a file that does not come")
    has(end.stderr, ["wanted " + path + ", found no such file, after 0.7 s"], "and how long it waited")


def status(process, key):
    with open("/proc/%d/status" % process) as lines:
        return next(line for line in lines if line.startswith(key + ":")).split()[1]


def test_png_interrupted(command, folder):
    """What is begun is ended, and nothing else is left."""
    os.mkdir(os.path.join(folder, "png"))
    path, out = os.path.join(folder, "large.h5"), os.path.join(folder, "png", "out.png")
    write_hdf5(path, [1, 5000, 5000], os.urandom(25000000))
    writer = command.start("view", "--dataset", "/data", "--png", out, path)
    wait_until(lambda: os.listdir(os.path.dirname(out)), "it writes")
    writer.send_signal(signal.SIGINT)
    writer.communicate()
    same((writer.returncode, os.listdir(os.path.dirname(out))), (130, ["out.png"]), "Ctrl-C while it writes a PNG")
    with open(out, "rb") as file:
        ok(file.read()[-8:-4] == b"IEND", "which is whole then")
    writer = command.start("view", "--dataset", "/data", "--png", "-", path)
    writer.stdout.buffer.peek()  # a pipe does not hold all of it
    wait_until(lambda: status(writer.pid, "State").startswith("S"), "it waits for a reader of the rest")
    writer.send_signal(signal.SIGINT)
    same((writer.wait(30), writer.stderr.read()), (130, ""), "Ctrl-C while it waits for a reader")


def test_growing(command, sim):
    """A file is looked at while it is written, to its last frame."""
    known = set(files(sim.disk))
    taker = command.start("count", PREFIX, *sim.folders, "--class",
                          command.write("growing.class", GROWING), "--set",
                          "cam.image_mode=Multiple", "--set", "cam.num_images=20", "--set",
                          "cam.acquire_time=0.2")
    wait_until(lambda: set(files(sim.disk)) - known, "a file")
    [path] = set(files(sim.disk)) - known
    found = command.lines("view", "--json", "--follow", path)
    taken = taker.communicate()
    numbers = [one["frame"] for one in found]
    same((taker.returncode, numbers, numbers[-1]), (0, sorted(set(numbers)), 19), "20 frames")
    ok(len(numbers) > 1, "as they come", (numbers, taken))
    same([one["min"] for one in found], [simulated(one["unique_id"])[0][0] for one in found],
         "each of them")


# --- A terminal

def picture_of(cells, width, lines):
    """Rows of colours: those of the upper halves, those of the lower ones."""
    rows = []
    for line in cells[:lines]:
        assert all(letter == "\u2580" for letter, *_ in line[:width])
        rows += [[fore for _, fore, *_ in line[:width]], [back for _, _, back, _ in line[:width]]]
    return rows


def test_terminal(command, path):
    palette = read_png(command.run("view", path, "--png", "-", text=False).stdout)[0]
    rows = masked()
    # 38 columns are left beside 40 of notes and 2 between. The second picture is twice as large as
    # the frame.
    for columns, lines, width, height in ((80, 24, 38, 28), (200, 60, 122, 90)):
        with Screen(command, "view", path, environment={"COLORTERM": "truecolor"},
                    columns=columns, rows=lines) as screen:
            same(screen.end()[0], 0, "%dx%d" % (columns, lines))
            if width < 61:
                small = shrunk(rows, width, height)
            else:
                small = [[None if v < 0 else v for v in row for _ in (0, 1)] for row in rows
                         for _ in (0, 1)]
            wanted = [[palette[i] for i in row] for row in levels(small, *limits(small))]
            found = picture_of(screen.cells(), width, height // 2)
            same_rows(found, wanted, "each half of a character has its pixel's colour")
            text = screen.text()
            has("\n".join(text), ["61 x 45", "max       1048575 at x=50 y=30", "saturated 1"],
                "statistics beside it")
            ok(text[0].startswith("\u2580" * width + "  file "), "the file first", text[0])
    with Screen(command, "view", "--map", "gray", path, columns=80, rows=24) as screen:
        screen.end()
        found = {color for row in picture_of(screen.cells(), 38, 14) for color in row}
        ok(all(isinstance(c, int) and c >= 16 for c in found) and len(found) > 5, "in 256 colours",
           found)
    with Screen(command, "view", path, environment={"NO_COLOR": "1"}, columns=80,
                rows=24) as screen:
        screen.end()
        text = screen.text()
        ok(all(set(line[:38]) <= set(" .:-=+*#%@/") for line in text[:14]) and
           any("/" in line[:38] for line in text), "NO_COLOR: in letters", "\n".join(text))
        ok(all(cell[1:] == (None, None, None) for row in screen.cells() for cell in row),
           "and no colour")


def test_terminal_follow(command, sim):
    with Screen(command, "view", "--follow", PREFIX, environment={"COLORTERM": "truecolor"},
                columns=80, rows=40) as screen:
        screen.until("shown")
        before = screen.text()
        command.put("cam.array_counter=40")
        command.run("count", PREFIX, *sim.folders)
        screen.until("unique id 41.*shown")
        after = screen.text()
        same([i for i, line in enumerate(before) if "unique id" in line],
             [i for i, line in enumerate(after) if "unique id" in line], "it is drawn in its place")
        screen.keys("C-c")
        code, seen = screen.end()
        same(code, 130, "Ctrl-C ends it")
        ok(seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "the cursor is there again")


with Simulator() as sim:
    command = Command(sim)
    tiff = test_statistics(command, command.folder)
    test_png(command, command.folder, tiff)
    test_region(command, tiff)
    test_color_region(command, command.folder)
    test_usage(command, tiff)
    test_no_image(command)
    test_frames(command, sim)
    test_live(command, sim)
    test_follow(command, sim)
    test_follow_nothing(command)
    test_png_interrupted(command, command.folder)
    test_growing(command, sim)
    test_terminal(command, tiff)
    test_terminal_follow(command, sim)
done()
