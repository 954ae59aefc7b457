"""The programs of examples/python that need no Bluesky print what the guide shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PATIENCE, Ioc

EXAMPLES = Path("examples/python").resolve()
SHOWN = Path("tests/data/examples")
READ_ROOT = "/export/raid5/fileshare/data"


def alike(text):
    """Without the day, and without what is drawn for the name of a file."""
    text = re.sub(r"/\d{4}/\d\d/\d\d/", "/YEAR/MONTH/DAY/", text)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}", "UUID", text)


@pytest.mark.parametrize("name", ["operate"])
def test_prints_what_the_guide_shows(name, tmp_path):
    simulator = Ioc(
        os.environ["COPHYD_SIM"],
        *("--port", "auto", "--raw", "/mnt/fileserver/data/raw"),
        *("--write-root", f"/mnt/fileserver/data={tmp_path}"),
    )
    program = [sys.executable, str(EXAMPLES / f"{name}.py"), "Pilatus:", "/mnt/fileserver/data"]
    done = subprocess.run(
        [*program, str(tmp_path)],
        env={
            **os.environ,
            "EPICS_CA_ADDR_LIST": simulator.address,
            "COPHYD_STATE_DIR": str(tmp_path / "state"),
        },
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )
    simulator.stop()
    assert done.returncode == 0, done.stderr
    shown = (SHOWN / f"python_{name}.txt").read_text()
    assert alike(done.stdout.replace(str(tmp_path), READ_ROOT)) == alike(shown)
