"""What is special to areaDetector: priming, series, documents, the live image, plugin chains."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ._library import ffi, lib, new_struct, seconds, text
from .arrays import NUMPY
from .chain import Finding, Graph, MissingPlugin, findings_of, graph_of, missing_plugins_of
from .device import Device, logger
from .documents import RESOURCE, STREAM, Document, file_of
from .errors import (
    CophydError,
    call,
    call_for,
    exception_of,
    make_error,
    new_error,
    raise_pending,
    take_report,
)
from .kinds import Kind
from .readings import call_descriptions
from .status import Status

MODES = {
    "internal": lib.OPH_SERIES_INTERNAL,
    "edge": lib.OPH_SERIES_EDGE,
    "gate": lib.OPH_SERIES_GATE,
}

FLY = (
    "bp.fly is no plan for it; one is bps.stage, bps.prepare, bps.declare_stream(..., "
    "collect=True), bps.kickoff, bps.complete, bps.collect and bps.unstage"
)


@dataclass(frozen=True)
class Series:
    """Frames of which something else sets the pace. Times are seconds.

    `mode`: "internal", the detector's own clock; "edge", a pulse starts the frames of a trigger;
    "gate", a pulse is as long as the exposure of its frame. `period` 0: exposure and readout.
    """

    frames: int = 1
    """Frames a trigger."""
    triggers: int = 1
    exposure: float = 0.1
    period: float = 0.0
    readout: float = 0.0
    mode: str = "internal"


@dataclass(frozen=True)
class WrittenFile:
    """A file of an acquisition; of several of one plugin, one a frame, the last."""

    device: str
    """The plugin: "det.hdf1"."""
    ioc: str
    """Its name as the IOC knows it."""
    local: str
    """As this machine does; "" where that cannot be told."""


@dataclass(frozen=True)
class Acquisition:
    """What acquire() brought."""

    frames: int
    """At the slowest writer."""
    files: tuple[WrittenFile, ...]
    begun: float
    """Seconds since 1970."""
    staging: float
    """Seconds that each part took."""
    acquiring: float
    unstaging: float


class AreaDetectorDevice(Device):
    """A detector, a camera or a plugin of areaDetector."""

    is_plain = True
    default_kind = Kind.omitted
    has_lazy_signals = True

    def warmup(self, timeout: float | None = None) -> None:
        """Takes one image, so that the file plugin, or each of a detector, knows the frames."""
        call(lib.oph_warmup, self._ptr, seconds(timeout))

    def primed(self) -> tuple[CophydError, ...]:
        """Why a file plugin, or one of a detector, does not know the frames that will come; nothing
        when it does."""
        err, differs = new_error(), ffi.new("int32_t *")
        report = ffi.new("oph_report **")
        rc = lib.oph_primed(self._ptr, differs, report, err)
        reasons = take_report(report)
        raise_pending()
        if rc:
            raise exception_of(err)
        return reasons


class Detector(AreaDetectorDevice):
    """A detector: it acquires, and its images go into documents."""

    is_plain = True
    _series: Series | None = None
    _series_start = 0
    _completed = _described = False  # its series, since it was staged

    # --- Looking

    def missing_plugins(self, timeout: float | None = None) -> list[MissingPlugin]:
        """Plugins that the IOC has and the class does not declare. [] is what one wants to see."""
        return missing_plugins_of(self._ptr, timeout)

    def validate(self, timeout: float | None = None) -> list[Finding]:
        """What would keep frames from a file, or mislead a program. An idle device is looked at as
        staging would make it."""
        return findings_of(self._ptr, timeout)

    def graph(self, timeout: float | None = None) -> Graph:
        """The ports of the detector and its plugins, and which frames go where."""
        return graph_of(self._ptr, timeout)

    # --- Acquiring

    def acquire(self, timeout: float | None = None) -> Acquisition:
        """Stages, triggers, waits, and unstages, always. The first thing that goes wrong is raised.
        `timeout`: seconds for the acquisition; None: what its settings make of it."""
        if not self._has_trigger:
            found = f"wanted a class with a trigger, as SingleTrigger, found {self.class_name}"
            raise make_error(lib.OPH_EINVAL, f"{self.name}: {found}")
        begun, times = time.time(), [time.monotonic()]
        idle = self.state == "idle"
        try:
            self.stage()
            times.append(time.monotonic())
            self._acquisition = None
            status = self.trigger()
            status.wait(timeout)
        except BaseException:  # Ctrl-C, too
            if idle:
                self._unstage_after_failure()
            raise
        times.append(time.monotonic())
        self.unstage()
        times.append(time.monotonic())
        parts = [after - before for before, after in itertools.pairwise(times)]
        # A derived class may have made its status of several, and told no progress.
        frames = int((self._acquisition or status).progress.current or 0)
        return Acquisition(frames, tuple(self._written()), begun, *parts)

    def _unstage_after_failure(self) -> None:
        try:
            self.unstage()
        except CophydError as error:
            logger.error("%s", error)

    def _written(self) -> Iterator[WrittenFile]:
        for device in self._family():
            if lib.oph_file_count(device._ptr):
                local = ""
                with contextlib.suppress(CophydError):
                    local = file_of(device)
                path = text(lib.oph_device_path(device._ptr))
                yield WrittenFile(path, file_of(device, side=lib.OPH_SIDE_IOC), local)

    def set_frames(self, frames: int) -> None:
        """How many frames an acquisition brings to each writer; 0: as many as the camera takes."""
        call(lib.oph_trigger_set_frames, self._ptr, frames)

    # --- Series

    def prepare(self, series: Series | Mapping[str, Any] | int) -> Status:
        """Prepares the staged detector for a Series, or for what makes one: its fields, or a number
        of frames with the exposure that stands. The status is done when this returns."""
        if isinstance(series, Mapping):
            series = Series(**series)
        elif not isinstance(series, Series):
            series = Series(frames=int(series), exposure=self.cam.acquire_time.get())
        if series.mode not in MODES:
            raise ValueError(f"wanted {', '.join(MODES)}, found {series.mode!r}")
        wanted, kickoffs = new_struct("oph_series"), ffi.new("int64_t *")
        wanted.mode = MODES[series.mode]
        wanted.frames, wanted.triggers = series.frames, series.triggers
        wanted.exposure, wanted.period = series.exposure, series.period
        wanted.readout = series.readout
        before = self.get_index()
        call(lib.oph_prepare, self._ptr, wanted, kickoffs)
        self.kickoffs = int(kickoffs[0])
        self._series_start = before
        self._series = series
        return Status.finished(self._context, self.name, self)

    kickoffs: int = 0
    """How many kickoffs the series takes that was prepared."""

    def kickoff(self) -> Status:
        """Starts the next acquisition of the series. The status is done when it has begun: with
        pulses from outside, when none can be lost."""
        if self._series is None or self.state == "idle":
            self._refuse_plan("a series that was prepared")
        made = call_for("oph_status *", lib.oph_kickoff, self._ptr)
        return Status(made, self._context, self)

    def complete(self) -> Status:
        """The status of the frames that the newest kickoff brings."""
        made = call_for("oph_status *", lib.oph_complete, self._ptr)
        self._completed = True
        self._acquisition = Status(made, self._context, self)
        return self._acquisition

    def _refuse_plan(self, wanted: str) -> NoReturn:
        """bp.fly would take frames that bluesky has no documents for: it declares no stream."""
        raise make_error(lib.OPH_ESTATE, f"{self.name}: wanted {wanted}, found none: {FLY}")

    def series_index(self) -> int:
        """How many frames of the series all writers have."""
        return int(call_for("int64_t", lib.oph_series_index, self._ptr))

    # --- Documents

    @property
    def asset_form(self) -> str:
        """How read() tells of images: "resource" (and datum), for databroker, or "stream", for
        Tiled. A series always makes streams. Holds from the next stage on."""
        return self._tree.assets.form

    @asset_form.setter
    def asset_form(self, form: str) -> None:
        if form not in (RESOURCE, STREAM):
            raise ValueError(f"wanted {RESOURCE} or {STREAM}, found {form!r}")
        self._tree.assets.form = form

    def _begin_stage(self) -> None:
        super()._begin_stage()
        self._series, self._series_start = None, 0
        self._completed = self._described = False

    def describe_collect(self) -> OrderedDict[str, dict[str, Any]]:
        """Data keys of a series: its images, a frame an event."""
        if self._completed and not self._described:
            self._refuse_plan("its stream declared before its frames were taken")
        self._described = True
        return self._tree.assets.describe_series(self)

    @property
    def hints(self) -> dict[str, Any]:
        """{"fields": [...]}: the keys that are to be plotted. The stream of a series has its images
        alone, and bluesky's tables want no key that their stream lacks."""
        found = super().hints
        if self._described and self.state != "idle":
            images = self._tree.assets.images
            found["fields"] = [field for field in found["fields"] if field in images]
        return found

    def describe_images(self) -> tuple[OrderedDict[str, Any], dict[str, str]]:
        """The data keys of images, and the paths of the plugins that write them."""
        stores: dict[str, str] = {}
        found = call_descriptions(lib.oph_describe, self._ptr, stores)
        return found, stores

    def get_index(self) -> int:
        """How many points, or frames of series, documents can tell of: those of acquisitions that
        are complete, since only then the IOC has named the file."""
        if self._series is None:
            images = self._tree.assets.of(self)
            return min((image.told for image in images), default=0)
        if self.state != "staged":
            return self._series_start
        return self._series_start + self.series_index()

    def collect_asset_docs(self, index: int | None = None) -> Iterator[Document]:
        """The documents of images that have not been collected yet: of points that read() was
        called for, and of series up to frame `index`."""
        if self._series is not None:
            told = self.get_index()
            stop = told if index is None else min(index, told)
            self._tree.assets.look_at_series(self, told, stop)
        yield from super().collect_asset_docs()


class LiveImage(AreaDetectorDevice):
    """The plugin that has the newest frame as a waveform."""

    is_plain = True

    @property
    def image(self) -> np.ndarray:
        """The newest frame, over Channel Access, in its shape."""
        return self.read_image()

    def read_image(self, timeout: float | None = None) -> np.ndarray:
        """The same, with a time limit."""
        info = new_struct("oph_image_info")
        size = max(self.array_data.properties().count * 8, 1)
        pixels = np.empty(size, "u1")
        call(
            lib.oph_image_read,
            self._ptr,
            seconds(timeout),
            ffi.from_buffer(pixels),
            size,
            info,
        )
        frame = pixels[: info.bytes].view(NUMPY[info.dtype])
        return frame.reshape(tuple(info.shape[0 : info.rank]))
