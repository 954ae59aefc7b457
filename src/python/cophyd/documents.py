"""Where the images of a detector are, in the words of bluesky's documents.

Two forms: resource and datum, which databroker reads, and stream_resource and stream_datum, which
Tiled reads."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from ._library import ffi, lib, new_struct, text
from .errors import UnprimedPlugin, call, make_error

if TYPE_CHECKING:
    from .device import Device

RESOURCE, STREAM = "resource", "stream"
Document = tuple[str, dict[str, Any]]


def files_of(store: Device) -> Any:
    """What the library knows of the files of a stage: an oph_files_info."""
    info = new_struct("oph_files_info")
    call(lib.oph_files_describe, store._ptr, info)
    return info


def file_of(store: Device, index: int | None = None, side: int = lib.OPH_SIDE_LOCAL) -> str:
    """A file of the latest acquisition: the last one, or that with a number from 0."""
    buffer = ffi.new("char[]", 4096)
    if index is None:
        call(lib.oph_file_name, store._ptr, side, buffer, 4096)
    else:
        call(lib.oph_file_name_at, store._ptr, index, side, buffer, 4096)
    return text(buffer)


def python_template(template: str, name: str) -> str:
    """ "%s%s_%6.6d.tiff", with the name in it, as Python formats it: "NAME_{:06d}.tiff"."""
    found = re.fullmatch(r"%s%s([^%]*)%(0?)(\d*)(?:\.(\d+))?d([^%]*)", template)
    width = max(int(found[3] or 0), int(found[4] or 0)) if found else 0
    if not found or (found[4] and int(found[3] or 0) > int(found[4])):
        sentence = f'wanted a FileTemplate like "%s%s_%6.6d.tiff", found "{template}"'
        raise make_error(lib.OPH_EINVAL, sentence)
    zeros = "0" if found[2] or found[4] else ""
    number = f"{{:{zeros}{width}d}}" if width else "{:d}"
    before, after = ((name + found[1]), found[5])
    return f"{literal(before)}{number}{literal(after)}"


def literal(words: str) -> str:
    return words.replace("{", "{{").replace("}", "}}")


def in_uri(path: str) -> str:
    """As Tiled and ophyd-async have it, which leave a path as it is: %41 is that, and no A. Only
    what would end the path there, or is dropped by them, is escaped."""
    return re.sub(r"[\0-\x1f?#;]", lambda found: f"%{ord(found[0]):02X}", path)


@dataclass
class Image:
    """The image key of one file store, during one stage."""

    key: str
    store: Device
    form: str
    frame_shape: tuple[int, ...]
    resource: str = ""
    told: int = 0  # points, or frames of a series
    reading: dict[str, Any] | None = None
    documents: deque[Document] = field(default_factory=deque)

    def look(self) -> None:
        """Makes the documents of a point that is new."""
        info = files_of(self.store)
        if info.points <= self.told:
            return
        if not text(info.spec):
            self._fail(
                lib.OPH_EINVAL,
                "wanted a FileStore class whose files documents can describe (FileStoreHDF5, "
                "FileStoreHDF5Single, FileStoreTIFF), found another",
            )
        self._check(info)
        self._tell(info, info.points - 1, info.points)

    def look_at_series(self, frames: int, stop: int) -> None:
        """Makes the documents of those of all frames that are new, up to `stop`."""
        if stop <= self.told or self.form != STREAM:
            return
        info = files_of(self.store)
        self._check_series(info, frames)
        self._tell(info, self.told, stop)

    def _tell(self, info: Any, start: int, stop: int) -> None:
        """The document of the file comes first."""
        if not self.resource:
            self.resource = str(uuid.uuid4())
            self.documents.append(self._resource(info))
        self.told = stop
        datum = f"{self.resource}/{start}"
        if self.form == STREAM:
            self.documents.append(stream_datum(self.resource, datum, start, stop))
            return
        kwargs = {"point_number": start}
        document = {"datum_id": datum, "resource": self.resource, "datum_kwargs": kwargs}
        self.documents.append(("datum", document))
        self.reading = {"value": datum, "timestamp": time.time()}

    def _check(self, info: Any) -> None:
        """That the frames of a point are where the documents say."""
        first = (info.points - 1) * info.frame_per_point
        if info.file_per_frame and info.first_number != first:
            self._fail(
                lib.OPH_EMISMATCH,
                f"wanted the number {first} of the point's first file, as documents count them, "
                f"found {info.first_number}",
            )
        if info.file_per_frame:
            return
        self._compare(first + info.frame_per_point, info.captured)

    def _check_series(self, info: Any, frames: int) -> None:
        """That the frames of series are where the documents say, the first of a stage first."""
        numbered = info.first_number + info.frame_per_point
        self._compare(frames, numbered if info.file_per_frame else info.captured)

    def _compare(self, wanted: int, found: int) -> None:
        if found != wanted:
            self._fail(
                lib.OPH_EMISMATCH,
                f"wanted {wanted} frames in the file, as documents count them, found {found}: an "
                "acquisition that was stopped, or somebody else's, left some; unstage, and stage "
                "again",
            )

    def _fail(self, code: int, sentence: str) -> NoReturn:
        raise make_error(code, f"{text(lib.oph_device_path(self.store._ptr))}: {sentence}")

    def _resource(self, info: Any) -> Document:
        file = file_of(self.store, 0 if info.file_per_frame else None)
        if info.file_per_frame:
            file = file.rpartition("/")[0] + "/"
        return (self._stream_resource if self.form == STREAM else self._plain_resource)(info, file)

    def _plain_resource(self, info: Any, file: str) -> Document:
        root = str(PurePosixPath(getattr(self.store, "reg_root", "/")))
        path = PurePosixPath(file)
        if not path.is_relative_to(root):
            self._fail(lib.OPH_EINVAL, f"wanted a file below reg_root, {root}, found {file}")
        kwargs: dict[str, Any] = {"frame_per_point": info.frame_per_point}
        if info.file_per_frame:
            template, filename = text(info.file_template), text(info.file_name)
            kwargs = {"template": template, "filename": filename, **kwargs}
        relative = str(path.relative_to(root)) + ("/" if info.file_per_frame else "")
        document = {
            "uid": self.resource,
            "spec": text(info.spec),
            "root": root,
            "resource_path": relative,
            "path_semantics": "posix",
            "resource_kwargs": kwargs,
        }
        return "resource", document

    def _stream_resource(self, info: Any, file: str) -> Document:
        tiff = text(info.spec) == "AD_TIFF"
        mimetype = "image/tiff" if tiff else "application/x-hdf5"
        parameters: dict[str, Any] = {"chunk_shape": [1, *self.frame_shape]}
        if not tiff:
            parameters = {"dataset": "/entry/data/data", "swmr": False, **parameters}
        if info.file_per_frame:
            mimetype = f"multipart/related;type={mimetype}"
            template, filename = text(info.file_template), text(info.file_name)
            parameters["template"] = python_template(template, filename)
        document = {
            "uid": self.resource,
            "data_key": self.key,
            "mimetype": mimetype,
            "uri": f"file://localhost{in_uri(file)}",
            "parameters": parameters,
        }
        return "stream_resource", document


def stream_datum(resource: str, uid: str, start: int, stop: int) -> Document:
    """Its descriptor and sequence numbers are for the RunEngine to fill in."""
    document = {
        "uid": uid,
        "stream_resource": resource,
        "descriptor": "",
        "indices": {"start": start, "stop": stop},
        "seq_nums": {"start": 0, "stop": 0},
    }
    return "stream_datum", document


class Assets:
    """The images of a tree during one stage, by their keys."""

    def __init__(self) -> None:
        self.form = RESOURCE
        self.images: dict[str, Image] = {}

    def begin(self) -> None:
        """A new stage: new files."""
        self.images = {}

    def describe(
        self, device: Device, found: OrderedDict[str, Any], stores: dict[str, str]
    ) -> OrderedDict[str, Any]:
        """Takes note of the images that a description has, and gives them their form."""
        for key, path in stores.items():
            data_key = found[key]
            if key not in self.images:
                store = device.root.attribute(path.partition(".")[2])
                shape = tuple(data_key["shape"][1:])
                self.images[key] = Image(key, store, self.form, shape)
            data_key["external"] = "STREAM:" if self.form == STREAM else "FILESTORE:"
        return found

    def describe_series(self, device: Device) -> OrderedDict[str, Any]:
        """The images alone, a frame an event."""
        found, stores = device.describe_images()
        for key, path in stores.items():
            data_key = found[key]
            data_key["shape"] = [1, *data_key["shape"][1:]]
            data_key["external"] = "STREAM:"
            if key not in self.images or self.images[key].form != STREAM:
                store = device.root.attribute(path.partition(".")[2])
                self.images[key] = Image(key, store, STREAM, tuple(data_key["shape"][1:]))
        return OrderedDict((key, found[key]) for key in stores)

    def look_at_series(self, device: Device, frames: int, stop: int) -> None:
        """Makes the documents of those of all frames that are new, up to `stop`."""
        for image in self.of(device):
            image.look_at_series(frames, stop)

    def forget_readings(self) -> None:
        """Another acquisition begins: the images of a reading are its own, or none."""
        for image in self.images.values():
            image.reading = None

    def of(self, device: Device) -> list[Image]:
        """Those of file stores at or below a device."""
        return [image for image in self.images.values() if is_below(image.store, device)]

    def read(self, device: Device) -> dict[str, dict[str, Any]]:
        """The readings of images; of streams there are none, only documents."""
        if device.state == "idle":
            return {}
        if not self.images:
            with contextlib.suppress(UnprimedPlugin):  # nothing was acquired yet
                device.root.describe()
        found = {}
        for image in self.of(device):
            image.look()
            if image.reading is not None:
                found[image.key] = image.reading
        return found

    def collect(self, device: Device) -> Iterator[Document]:
        for image in self.of(device):
            while image.documents:
                yield image.documents.popleft()


def is_below(device: Device | None, above: Device) -> bool:
    while device is not None and device is not above:
        device = device.parent
    return device is above
