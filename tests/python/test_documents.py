"""The words that documents have for files."""

import urllib.parse

import bluesky.protocols
import pytest

import cophyd
import detectors
from conftest import PATIENCE
from cophyd.documents import python_template


@pytest.mark.parametrize(
    "template, number, name",
    [
        ("%s%s_%6.6d.tiff", 7, "scan_000007.tiff"),
        ("%s%s_%06d.h5", 7, "scan_000007.h5"),
        ("%s%s_%6d.h5", 7, "scan_     7.h5"),
        ("%s%s_%.3d.h5", 7, "scan_007.h5"),
        ("%s%s%d", 12, "scan12"),
        ("%s%s_{x}_%d", 1, "scan_{x}_1"),
    ],
)
def test_templates(template, number, name):
    assert python_template(template, "scan").format(number) == name
    width = template.replace("%s%s", "scan")
    assert width % number == name


@pytest.mark.parametrize("template", ["%s%s.tiff", "%s%s_%d_%d.h5", "%s_%d.h5", "%s%s_%8.3d.h5"])
def test_templates_that_python_has_no_words_for(template):
    with pytest.raises(cophyd.InvalidValueError, match="wanted a FileTemplate"):
        python_template(template, "scan")


def test_streams_of_a_file_a_frame(make_detector):
    det = make_detector(detectors.WithTIFF)
    det.tiff1.set_path_templates(det.hdf1.write_path_template, det.hdf1.read_path_template)
    det.asset_form = "stream"
    det.cam.stage_sigs["num_images"] = 2
    det.stage()
    for _ in range(2):
        det.trigger().wait(PATIENCE)
        assert "det_tiff1_image" not in det.read()
    documents = [document for _, document in det.collect_asset_docs()]
    (tiff,) = [d for d in documents if d.get("mimetype", "").endswith("tiff")]
    assert tiff["mimetype"] == "multipart/related;type=image/tiff"
    assert tiff["data_key"] == "det_tiff1_image" and tiff["uri"].endswith("/")
    names = [tiff["parameters"]["template"].format(n) for n in range(4)]
    folder = tiff["uri"].removeprefix("file://localhost")
    assert [folder + name for name in names][2:] == det.tiff1.local_files
    data = [d["indices"] for d in documents if d.get("stream_resource") == tiff["uid"]]
    assert data == [{"start": 0, "stop": 1}, {"start": 1, "stop": 2}]


def test_a_stream_names_its_file_as_it_is(make_detector, data):
    """Tiled decodes nothing of a URI."""
    det = make_detector(detectors.WithTIFF)
    folder = "a 100%% 'good' \u00e4"  # for strftime
    for store in det.hdf1, det.tiff1:
        store.set_path_templates(f"/data/{folder}/", f"{data}/{folder}/")
    det.asset_form = "stream"
    det.stage()
    det.trigger().wait(PATIENCE)
    det.read()
    found = [document for name, document in det.collect_asset_docs() if name == "stream_resource"]
    paths = {urllib.parse.urlparse(document["uri"]).path for document in found}
    there = f"{data}/a 100% 'good' \u00e4/"
    (file,) = det.hdf1.local_files
    assert paths == {there, file} and file.startswith(there)


def test_no_image_of_an_acquisition_that_failed(det, fault):
    det.stage()
    det.trigger().wait(PATIENCE)
    first = det.read()["det_image"]["value"]
    assert det.read()["det_image"]["value"] == first
    fault("ExposureFails", 1)
    assert det.trigger().exception(PATIENCE) is not None
    assert "det_image" not in det.read()
    det.unstage()
    fault("ExposureFails", 0)
    det.stage()
    det.trigger().wait(PATIENCE)
    assert det.read()["det_image"]["value"] != first


def test_images_of_a_plugin(det):
    """Read without its detector, as bps.read(det.hdf1) does."""
    assert isinstance(det.hdf1, bluesky.protocols.WritesExternalAssets)
    det.stage()
    det.trigger().wait(PATIENCE)
    value = det.hdf1.read()["det_image"]["value"]
    documents = dict(det.hdf1.collect_asset_docs())
    assert list(documents) == ["resource", "datum"] and documents["datum"]["datum_id"] == value
    assert list(det.cam.collect_asset_docs()) == list(det.collect_asset_docs()) == []


def test_an_index_bounds_what_is_collected(det):
    det.stage()
    det.prepare(cophyd.Series(frames=4, exposure=0.001, period=0.004))
    assert list(det.describe_collect()) == ["det_image"] and det.get_index() == 0
    det.kickoff().wait(PATIENCE)
    assert list(det.collect_asset_docs(0)) == []
    det.complete().wait(PATIENCE)
    assert det.get_index() == 4 == det.series_index()
    names = [name for name, _ in det.collect_asset_docs(3)]
    assert names == ["stream_resource", "stream_datum"]
    ((_, datum),) = det.collect_asset_docs()
    assert datum["indices"] == {"start": 3, "stop": 4}


def kick_off(det):
    det.kickoff().wait(PATIENCE)
    det.complete().wait(PATIENCE)


def somebody_acquires(det, store, frames):
    det.cam.acquire.put(1, wait=False)
    store.array_counter.wait_for(frames).wait(PATIENCE)
    det.cam.detector_state.wait_for("Idle").wait(PATIENCE)
    det.cam.acquire_busy.wait_for(0).wait(PATIENCE)


def test_no_frames_of_others_in_a_series(det):
    """Taken between two kickoffs, they are in the file too."""
    det.warmup()
    det.stage()
    det.prepare(cophyd.Series(frames=2, triggers=2, exposure=0.001, period=0.004))
    det.describe_collect()
    kick_off(det)
    names = [name for name, _ in det.collect_asset_docs()]
    assert names == ["stream_resource", "stream_datum"]
    somebody_acquires(det, det.hdf1, 4)
    kick_off(det)
    with pytest.raises(cophyd.MismatchError, match=r"hdf1: wanted 4 frames .* found 6: .*else's"):
        list(det.collect_asset_docs())


def test_no_files_of_others_in_a_series(data):
    det = detectors.TIFFAlone("Pilatus:", name="det")
    det.tiff1.set_path_templates("/data/%Y/", f"{data}/%Y/")
    try:
        det.warmup()
        det.stage()
        det.prepare(cophyd.Series(frames=2, exposure=0.001, period=0.004))
        det.describe_collect()
        somebody_acquires(det, det.tiff1, 2)
        kick_off(det)
        with pytest.raises(cophyd.MismatchError, match=r"tiff1: wanted 2 frames .* found 4"):
            list(det.collect_asset_docs())
    finally:
        det.unstage()
        det.destroy()
