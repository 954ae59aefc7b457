"""Detector classes that the tests use, declared in Python."""

from cophyd import (
    Component,
    FileStoreHDF5IterativeWrite,
    FileStoreTIFFIterativeWrite,
    HDF5Plugin,
    ImagePlugin,
    PilatusDetector,
    SingleTrigger,
    StatsPlugin,
    TIFFPlugin,
)


class MyHDF5Plugin(FileStoreHDF5IterativeWrite, HDF5Plugin):
    """Writes the frames of a stage into one file."""

    class_text = "stage . lazy_open=1"


class MyTIFFPlugin(FileStoreTIFFIterativeWrite, TIFFPlugin):
    """Writes a file a frame."""


class MyPilatus(SingleTrigger, PilatusDetector):
    """A Pilatus, quick, that writes HDF5."""

    hdf1 = Component(MyHDF5Plugin, "HDF1:")

    class_text = """
    stage cam num_images=1 acquire_time=0.001 acquire_period=0.004 wait_for_plugins=Yes
    """


class WithStatistics(MyPilatus):
    """The same with an image and statistics, whose sum is plotted."""

    image = Component(ImagePlugin, "image1:")
    stats1 = Component(StatsPlugin, "Stats1:", kind="normal", read_attrs=["total"])


class WithTIFF(MyPilatus):
    """The same with TIFF files, too."""

    tiff1 = Component(MyTIFFPlugin, "TIFF1:")


class TIFFAlone(SingleTrigger, PilatusDetector):
    """A Pilatus, quick, that writes TIFF files alone."""

    tiff1 = Component(MyTIFFPlugin, "TIFF1:")

    class_text = MyPilatus.class_text
