"""A Tiled server of one's own: documents go in by TiledWriter, and come back over HTTP.

    with Server(folder) as server:
        run = server.replay(documents)            # (name, document), ...; or
        RE.subscribe(server.writer())
        run = server.client[uid]
        pixels = image(run, "det_image").read()   # points, frames of a point, rows, columns

It runs on a port of 127.0.0.1 that is free, keeps all in a temporary folder, may read files below
`folder`, and ends with the block. Needs the packages of peers-tiled.txt."""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # before httpx looks

import httpx
from bluesky_tiled_plugins import TiledWriter
from tiled.client import from_uri

KEY = "documents"
PATIENCE = 120  # seconds for it to start


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.lines = collections.deque(maxlen=200)  # the newest of what it says

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="cophyd-tiled-")
        command = [os.path.join(os.path.dirname(sys.executable), "tiled"), "serve", "catalog"]
        command += ["--temp", "--read", self.folder, "--api-key", KEY]
        command += ["--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": self.home, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
        )
        try:
            self._await_port()
            self.uri = f"http://127.0.0.1:{self.port}/api/v1/"
            self.client = from_uri(self.uri, api_key=KEY)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _await_port(self):
        """Until it says where it listens; what it says later is read, too, lest it blocks."""
        self.port = None
        ready = threading.Event()

        def read():
            for line in self.process.stdout:
                self.lines.append(line)
                found = re.search(r"running on \S*http://127\.0\.0\.1:(\d+)", line)
                if found:
                    self.port = int(found[1])
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        if not ready.wait(PATIENCE) or not self.port:
            raise RuntimeError("the Tiled server does not start:\n" + "".join(self.lines))

    def __exit__(self, *exc):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(20)
        self.process.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def writer(self, **options):
        """A TiledWriter, which RunEngine.subscribe takes. batch_size=1: nothing waits for more."""
        return TiledWriter(self.client, **options)

    def replay(self, documents, **options):
        """Writes the documents of one run; returns it as the server's client has it."""
        documents = list(documents)
        write = self.writer(**options)
        for name, document in numbers(documents):
            write(name, document)
        return self.client[documents[0][1]["uid"]]

    def get(self, path, **parameters):
        """Bytes over HTTP without Tiled's client, as any language gets them."""
        answer = httpx.get(
            self.uri + path,
            params={"format": "application/octet-stream", **parameters},
            headers={"Authorization": f"Apikey {KEY}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.content


def numbers(documents):
    """What was NaN or infinity, and is null in JSON, is NaN again: TiledWriter takes a column of
    nothing but null for text."""
    keys = {}

    def number(value):
        if isinstance(value, list):
            return [number(one) for one in value]
        return float("nan") if value is None else value

    for name, document in documents:
        if name == "descriptor":
            keys = document["data_keys"]
        if name == "event":
            real = {k for k in document["data"] if "f" in keys[k].get("dtype_numpy", "")}
            data = {k: number(v) if k in real else v for k, v in document["data"].items()}
            document = {**document, "data": data}
        yield name, document


def image(run, key, stream="primary"):
    """The array of a run: run -> stream -> key."""
    return run[stream][key]


def columns(run, keys, stream="primary"):
    """Values, one an event, by key; None where there is none. A time stamp's key is ts_KEY."""
    table = run[stream].read(list(keys))
    found = {key: table[key].values.tolist() for key in keys}
    return {key: [None if one != one else one for one in values] for key, values in found.items()}
