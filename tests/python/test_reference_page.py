"""The Python of ophyd's Pilatus page (reference_page.txt), statement by statement, with the imports
changed. What the page gets wrong is in WRONG and OTHERWISE, each with what is right."""

import ast
import doctest
import os
import re
import subprocess
from pathlib import Path

import hdf5plugin  # noqa: F401, for h5py: LZ4
import numpy as np
import pytest

import cophyd
from conftest import PATIENCE, Ioc

PAGE = Path(__file__).with_name("reference_page.txt")
IMPORT = re.compile(r"^from ophyd[\w.]* import", re.M)

# What is no Python, or is no name: the text of the page, and what is meant.
WRONG = {
    # The second quote is missing.
    '["wait_for_plugins"] = "Yes\n': '["wait_for_plugins"] = "Yes"\n',
    # The plugin is HDF1: everywhere else.
    '"HDF:")': '"HDF1:")',
    # The names given to them before.
    "LOCAL_FILES_ROOT + full_name_ioc[len(IOC_FILES_ROOT):]": (
        "BLUESKY_FILES_ROOT + full_name_ioc[len(PILATUS_FILES_ROOT):]"
    ),
    # Attributes of the class, which the page shows without it.
    "\nhdf1 = ADComponent(HDF5Plugin_V34": (
        "\nclass MyPilatusDetector(MyPilatusDetector):\n  hdf1 = ADComponent(HDF5Plugin_V34"
    ),
    "\nhdf1 = ADComponent(\n": (
        "\nclass MyPilatusDetector(MyPilatusDetector):\n  hdf1 = ADComponent(\n"
    ),
    # A command of IPython's, on the file of another day.
    ">>> !ls -lAFgh /export/": ">>> run_ls() # /export/",
}
NAME = (
    r"test/pilatus/\d{4}/\d\d/\d\d/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}_000\.h5"
)


class Page:
    """The page's statements, with what it says that they print."""

    def __init__(self, local):
        text = PAGE.read_text()
        for wrong, right in {
            **WRONG,
            '"/export/raid5/fileshare/data"': f'"{local}"',  # of the page's author
        }.items():
            assert wrong in text, wrong
            text = text.replace(wrong, right)
        self.text = IMPORT.sub("from cophyd import", text)

    def statements(self):
        """(source, what is printed or None)"""
        session = re.compile(r"(?:^>>>.*\n(?:(?!>>>).+\n)*)+", re.M)
        end = 0
        for found in session.finditer(self.text):
            yield from self._plain(self.text[end : found.start()])
            for example in doctest.DocTestParser().get_examples(found[0]):
                yield example.source.strip(), example.want.strip() or None
            end = found.end()
        yield from self._plain(self.text[end:])

    def _plain(self, text):
        for node in ast.parse(text).body:
            yield ast.get_source_segment(text, node), None


def outcome(source, names):
    """Runs a statement; what an interactive session prints of it."""
    tree = ast.parse(source)
    if not isinstance(tree.body[0], ast.Expr):
        exec(compile(tree, "page", "exec"), names)
        return None
    value = eval(compile(ast.Expression(tree.body[0].value), "page", "eval"), names)
    return names.pop("printed", None) or repr(value)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page, and an IOC with its disk."""
    local = tmp_path / "export/raid5/fileshare/data"
    local.mkdir(parents=True)
    simulator = Ioc(
        os.environ["COPHYD_SIM"],
        *("--port", "auto", "--instant", "--raw", "/mnt/fileserver/data/raw"),
        *("--write-root", f"/mnt/fileserver/data={local}"),
    )
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", simulator.address)
    before = cophyd.default_context()
    cophyd.set_default_context(cophyd.Context())
    yield Page(local)
    cophyd.set_default_context(before)
    simulator.stop()


class Session:
    """What runs between the page's lines, by the line."""

    def __init__(self, names):
        self.names = names
        self.seen = []
        self.stuck = cophyd.EpicsSignal("Pilatus:sim1:PluginStuck", name="stuck")
        names["print"] = lambda text: names.update(printed=text)
        names["run_ls"] = self.ls

    @property
    def det(self):
        return self.names["det"]

    def ls(self):
        listed = ["ls", "-lAFgh", self.names["full_name_local"]]
        done = subprocess.run(listed, capture_output=True, text=True, check=True)
        self.names["printed"] = done.stdout

    def before(self, source):
        if source.startswith("path = ") and "path" not in self.names:
            # The tip is for later: the page has not made this class's det yet.
            exec('det = MyPilatusDetector("Pilatus:", name="det")', self.names)
        elif source == "det.warmup()":
            # The stage before did not fail, as the page warns: LazyOpen is seen. So it is too late.
            assert self.det.state == "staged"
            with pytest.raises(cophyd.CophydError, match="det"):
                self.det.warmup()
            self.det.unstage()
        elif source == "st = det.trigger()":
            self.det.stage()
            self.stuck.put("HDF1")  # until the status was looked at
        elif source == "st.wait()":
            assert not self.names["st"].done
            self.stuck.put("")
        elif source.startswith("run_ls()"):
            # Only later does the page say how to get its name.
            local, remote = (self.names[f"{whose}_FILES_ROOT"] for whose in ("BLUESKY", "PILATUS"))
            name = self.det.hdf1.full_file_name.get()
            self.names["full_name_local"] = local + name[len(remote) :]

    def after(self, source):
        self.seen.append(source)
        if source.startswith("det.hdf1.read_path_template.put"):
            root = self.names["BLUESKY_FILES_ROOT"]
            written = self.det.hdf1.write_path_template
            assert written == "/mnt/fileserver/data/user_name/experiment/"
            assert self.det.hdf1.read_path_template == f"{root}/user_name/experiment/"
            # The files that the page finds are in the folder before.
            folder = self.names["TEST_IMAGE_DIR"]
            self.det.hdf1.set_path_templates(f"/mnt/fileserver/data/{folder}", f"{root}/{folder}")
        elif source == "det.hdf1.create_directory.put(-5)":
            assert self.det.hdf1.create_directory.get() == -5
        elif source.startswith('det.hdf1.stage_sigs["capture"] ='):
            assert list(self.det.hdf1.stage_sigs)[-1] == "capture"
            assert self.det.hdf1.stage_sigs["capture"] == 1
        elif source == 'image = root["/entry/data/data"]':
            y, x = np.mgrid[0:1024, 0:1024]
            number = self.det.cam.unique_id.get()
            assert np.array_equal(self.names["image"][0], (7919 * number + 2500 * y + x) % 1048576)


# Where the page prints what is not so: of the statement, a pattern of what is.
OTHERWISE = {
    # Not its empty list: that detector has a cam only, and the IOC has these.
    "det.missing_plugins()": r"\[MissingPlugin\(port='.*HDF5Plugin.*\]",
    # An interactive session shows text in quotes, and print() does not.
    "det.hdf1.full_file_name.get()": rf"'/mnt/fileserver/data/{NAME}'",
    'print(f"IOC: {full_name_ioc}")': rf"IOC: /mnt/fileserver/data/{NAME}",
    'print(f"local file: {full_name_local}")': rf"local file: /.*/fileshare/data/{NAME}",
    "run_ls()": rf"-rw.*/fileshare/data/{NAME}.*",
}


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def test_the_page_runs(page):
    names = {}
    session = Session(names)
    for source, wanted in page.statements():
        session.before(source)
        try:
            found = outcome(source, names)
        except Exception as error:
            raise AssertionError(f"the page's line failed: {source}") from error
        pattern = OTHERWISE.get(source.split(" #")[0])
        if pattern is not None:
            assert re.fullmatch(pattern, found, re.S), f"{source}: {found}"
        elif wanted is not None:
            assert one_line(found) == one_line(wanted), source
        session.after(source)
    assert not [line for line in OTHERWISE if line not in {s.split(" #")[0] for s in session.seen}]
    assert len(session.seen) > 90 and session.det.state == "idle"
    assert [plugin.prefix for plugin in session.det.missing_plugins(PATIENCE)].count("HDF1:") == 0


def test_the_whole_listing_takes_an_image(page):
    """The page's first listing alone, with nothing of what follows."""
    names = {}
    for source, _ in Page.statements(page):
        exec(source, names)
        if "capture" in source and source.startswith("det.hdf1"):
            break
    det = names["det"]
    assert list(det.cam.stage_sigs.items()) == [
        ("image_mode", "Single"),
        ("num_images", 1),
        ("acquire_time", 0.1),
        ("acquire_period", 0.105),
        ("wait_for_plugins", "Yes"),
    ]
    assert list(det.hdf1.stage_sigs)[-3:] == ["lazy_open", "compression", "capture"]
    det.stage()
    assert det.hdf1.compression.get(as_string=True) == "LZ4"
    det.trigger().wait(PATIENCE)
    det.unstage()
    with cophyd.Frames(det.hdf1.local_files[0]) as frames:
        assert frames.shape == (1, 1024, 1024) and frames.filters == "LZ4"
