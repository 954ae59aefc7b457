"""Classes: built in, declared in Python, and from class texts."""

import inspect
import operator
import pydoc

import ophyd
import pytest

import cophyd
import cophyd.builtin
import detectors
from cophyd import ADComponent, Component, Context, EpicsSignal, EpicsSignalRO, EpicsSignalWithRBV


@pytest.fixture
def context():
    return Context()


def test_all_built_in_classes_are_those_of_the_library(context):
    assert sorted(cophyd.builtin.__all__) == sorted(context.class_names)
    for name in cophyd.builtin.__all__:
        cls = getattr(cophyd, name)
        assert issubclass(cls, cophyd.Device) and cls.__name__ == name and cls.__doc__
        assert name in dir(cophyd)


def test_import_of_all():
    names = {}
    exec("from cophyd import *", names)
    assert names.keys() >= {"EpicsMotor", "Device", *cophyd.builtin.__all__}
    assert len(cophyd.__all__) == len(set(cophyd.__all__))


@pytest.mark.parametrize("name", cophyd.builtin.__all__)
def test_annotations_are_the_attributes(name):
    """What an editor completes is what a device has; and no attribute hides a method."""
    cls = getattr(cophyd.builtin, name)
    noted = set()
    for base in cls.__mro__:
        if base.__module__ == "cophyd.builtin":
            noted |= set(base.__annotations__)
    device = cls("nowhere:", name="dev")
    there = {attr for attr in device.component_names if "." not in attr}
    groups = {attr.partition(".")[0] for attr in device.component_names if "." in attr}
    assert there <= noted
    assert not {*there, *groups} & {*dir(cls)} - {"connected"}  # which is the attribute then
    device.destroy()


def test_python_bases_are_the_librarys():
    assert issubclass(cophyd.HDF5Plugin, cophyd.FilePlugin)
    assert issubclass(cophyd.HDF5Plugin_V34, cophyd.HDF5Plugin)
    assert cophyd.HDF5Plugin_V34 is cophyd.HDF5Plugin_V34
    assert cophyd.HDF5Plugin_V34.__name__ == "HDF5Plugin_V34"


@pytest.mark.parametrize("name", ["HDF6Plugin", "HDF5Plugin_Vx", "HDF5Plugin_V", "NoSuch_V34"])
def test_a_class_that_there_is_not(name):
    with pytest.raises(AttributeError):
        getattr(cophyd, name)


class Cam(cophyd.PilatusDetectorCam):
    """A camera with # a "filter"."""

    wait_for_plugins = ADComponent(EpicsSignal, "WaitForPlugins")
    filter_wheel = Component(EpicsSignalWithRBV, "Filter", kind="config", doc='the "wheel"')
    notes = Component(EpicsSignal, "Notes", string=True, kind="normal")
    dose = Component(EpicsSignalRO, "Dose_RBV", kind="hinted")


class Detector(cophyd.SingleTrigger, cophyd.DetectorBase):
    cam = Component(Cam, "cam1:")
    hdf1 = Component(
        detectors.MyHDF5Plugin,
        "HDF1:",
        write_path_template="/data/%Y",
        read_path_template="/mnt/%Y",
        kind="omitted",
    )

    def __init__(self, prefix="", **arguments):
        super().__init__(prefix, **arguments)
        self.cam.stage_sigs["num_images"] = 7

    def my_own(self):
        return self.cam.stage_sigs["num_images"]


def test_declared_in_python(context):
    det = Detector("X:", name="det", context=context)
    assert isinstance(det.cam, Cam) and isinstance(det.hdf1, detectors.MyHDF5Plugin)
    assert det.cam.parent is det and det.cam is det.cam and det.root is det is det.cam.root
    assert (det.cam.name, det.cam.prefix, det.cam.attr_name) == ("det_cam", "X:cam1:", "cam")
    assert det.cam.filter_wheel.setpoint_pvname == "X:cam1:Filter"
    assert det.cam.filter_wheel.pvname == "X:cam1:Filter_RBV"
    assert det.cam.filter_wheel.doc == 'the "wheel"'
    assert det.cam.dose.pvname == "X:cam1:Dose_RBV" and isinstance(det.cam.dose, EpicsSignalRO)
    assert not hasattr(det.cam.dose, "put") and hasattr(det.cam.notes, "put")
    assert det.component_names == ("cam", "hdf1")
    assert det.cam.dose.name == "det_cam_dose" and det.cam.dose.dotted_name == "cam.dose"
    assert det.my_own() == 7
    assert det.hdf1.write_path_template == "/data/%Y" and det.hdf1.kind == cophyd.Kind.omitted


def test_kinds(context):
    cam = Cam("X:", name="cam", context=context)
    assert cam.wait_for_plugins.kind == cophyd.Kind.config  # as the built-in camera's
    assert cam.filter_wheel.kind == cophyd.Kind.config
    assert cam.notes.kind == cophyd.Kind.normal
    assert cam.dose.kind == cophyd.Kind.hinted and cam.hints == {"fields": ["cam_dose"]}
    assert "notes" in cam.read_attrs and "filter_wheel" in cam.configuration_attrs

    class Plain(cophyd.Device):
        one = Component(EpicsSignal, "One")

    plain = Plain("X:", name="plain", context=context, configuration_attrs=["one"])
    assert plain.one.kind == cophyd.Kind.normal | cophyd.Kind.config
    assert plain.read_attrs == plain.configuration_attrs == ["one"]
    plain.read_attrs = []
    assert plain.one.kind == cophyd.Kind.config
    plain.one.kind = "hinted"
    assert plain.hints == {"fields": ["plain_one"]}


def test_names_of_a_kind_are_a_list(context):
    class Plain(cophyd.Device):
        one = Component(EpicsSignal, "One")
        two = Component(EpicsSignal, "Two")

    plain = Plain("X:", name="plain", context=context, read_attrs=["two"])
    names = plain.read_attrs
    names.append("one")
    assert names == plain.read_attrs == ["one", "two"] and repr(names) == "['one', 'two']"
    names.remove("two")
    assert plain.two.kind == cophyd.Kind.omitted and len(names) == 1 and names[0] == "one"
    plain.read_attrs += ["two"]
    assert [*plain.read_attrs] == plain.read_attrs[:] == ["one", "two"]
    assert operator.add(plain.read_attrs, ["three"]) == ["one", "two", "three"]
    plain.configuration_attrs[:] = ["two"]
    assert plain.two.kind == cophyd.Kind.normal | cophyd.Kind.config
    with pytest.raises(AttributeError):
        names.append("three")


def test_names_of_a_child_s_attributes(context):
    """As in ophyd: the child is read, and of it these; a group stands for all in it."""
    stats = cophyd.StatsPlugin

    class Outer(cophyd.PilatusDetector):
        one = Component(stats, "S1:", kind="omitted", read_attrs=["net"])
        two = Component(stats, "S2:", kind="omitted")

    outer = Outer("X:", name="outer", context=context, configuration_attrs=["two.port_name"])
    assert outer.configuration_attrs == ["two"]
    assert outer.two.configuration_attrs == ["port_name"]
    outer.read_attrs = ["one.total", "one.centroid"]
    assert outer.read_attrs == ["one"]
    assert set(outer.one.read_attrs) == {"centroid.x", "centroid.y", "total"}
    outer.read_attrs += ["one.net"]
    assert set(outer.one.read_attrs) == {"centroid.x", "centroid.y", "net", "total"}
    outer.one.read_attrs = ["sigma"]
    assert all(name.startswith("sigma.") for name in outer.one.read_attrs)
    outer.one.read_attrs.append("centroid")
    assert set(outer.one.read_attrs) >= {"centroid.x", "centroid.y", "sigma.x"}
    with pytest.raises(AttributeError, match=r"outer.one: wanted nothing"):
        outer.read_attrs = ["two", "one.nothing"]
    assert outer.read_attrs == ["one"]


def test_a_group_has_a_kind(context):
    stats = cophyd.StatsPlugin("X:", name="stats", context=context, read_attrs=[])
    assert stats.centroid.kind == cophyd.Kind.omitted
    stats.centroid.kind = "hinted"
    assert stats.read_attrs == ["centroid.x", "centroid.y"]
    fields = ["stats_centroid_x", "stats_centroid_y"]
    assert stats.hints == stats.centroid.hints == {"fields": fields}
    stats.centroid.kind = "omitted"
    assert stats.read_attrs == []
    with pytest.raises(KeyError):
        stats.centroid.kind = "other"


def test_two_classes_of_one_name(context):
    def make(suffix):
        class Same(cophyd.Device):
            value = Component(EpicsSignal, suffix)

        return Same("X:", name="same", context=context)

    first, second = make("A"), make("B")
    assert (first.value.pvname, second.value.pvname) == ("X:A", "X:B")


def test_each_context_learns_a_class():
    for _ in range(2):
        det = Detector("X:", name="det", context=Context())
        assert det.cam.dose.pvname == "X:cam1:Dose_RBV"


def test_a_component_cannot_be_assigned(context):
    cam = Cam("X:", name="cam", context=context)
    with pytest.raises(AttributeError, match="use its put"):
        cam.dose = 5
    assert isinstance(Cam.dose, Component)


def test_nor_can_what_is_found_by_name(context):
    """It would be hidden, and nothing put."""
    det = Detector("X:", name="det", context=context)
    for device, name in ((det.cam, "acquire_time"), (det.cam, "array_size"), (det.hdf1, "capture")):
        for _ in range(2):
            with pytest.raises(AttributeError, match=f"{device.name}.{name} .* use its put"):
                setattr(device, name, 5)
    with pytest.raises(AttributeError, match="use its put"):
        det.cam.array_size.array_size_x = 5
    assert isinstance(det.cam.acquire_time, cophyd.EpicsSignal)
    det.cam.of_my_own = 5
    det.cam.kind = "omitted"
    assert det.cam.of_my_own == 5 and det.cam.kind == cophyd.Kind.omitted


def test_what_is_written_and_read(context):
    class Table(cophyd.Device):
        time = Component(EpicsSignal, "Time_RBV", write_pv="Time", auto_monitor=True, lazy=True)
        one = Component(EpicsSignal, "One", write_pv="One", put_complete=True, limits=True)

    table = Table("X:", name="table", context=context)
    assert (table.time.setpoint_pvname, table.time.pvname) == ("X:Time", "X:Time_RBV")
    assert (table.one.setpoint_pvname, table.one.pvname) == ("X:One", "X:One")


def test_what_is_written_and_read_elsewhere_is_refused():
    with pytest.raises(TypeError, match=r"wanted NumExposures_RBV .* found 'NumImages'"):
        Component(EpicsSignal, "NumImages", write_pv="NumExposures")
    with pytest.raises(TypeError, match="wanted an EpicsSignal for write_pv"):
        Component(EpicsSignalRO, "X_RBV", write_pv="X")


def test_a_word_that_a_signal_does_not_know(context):
    class Table(cophyd.Device):
        one = Component(EpicsSignal, "One", nonsense=3)

    with pytest.raises(TypeError, match="nonsense"):
        Table("X:", name="table", context=context)


class Small(Cam):
    """Without some signals of its bases."""

    dose = None
    acquire_time = None
    description = None


def test_a_signal_taken_away(context):
    small, cam = (cls("X:", name="cam", context=context) for cls in (Small, Cam))
    assert {"dose", "acquire_time"} == set(cam.component_names) - set(small.component_names)
    assert small.dose is small.acquire_time is None and cam.dose.pvname == "X:Dose_RBV"
    with pytest.raises(AttributeError):
        small.attribute("acquire_time")

    class Again(Small):
        dose = Component(EpicsSignal, "NewDose")

    assert Again("X:", name="again", context=context).dose.pvname == "X:NewDose"

    class Sample(cophyd.Device):
        title = Component(cophyd.SoftSignal, value="none")

    class Untitled(Sample):
        title = None

    assert Untitled("X:", name="sample", context=context).component_names == ()


@pytest.mark.parametrize("base, name", [(Detector, "hdf1"), (cophyd.PilatusDetector, "cam")])
def test_a_device_cannot_be_taken_away(context, base, name):
    less = type("Less", (base,), {name: None})
    with pytest.raises(TypeError, match=f"Less.{name} = None: wanted a signal .* a child device"):
        less("X:", name="less", context=context)


def test_mistakes_in_a_declaration(context):
    class Wrong(cophyd.PilatusDetector):
        class_text = """
        stage cam num_imags=1
        stage cam acquire_tme=1
        """

    with pytest.raises(ValueError, match="num_imags") as caught:
        Wrong("X:", name="wrong", context=context)
    assert len(caught.value.report) == 2
    with pytest.raises(TypeError, match="wanted a name"):
        Cam("X:", context=context)

    class Odd(cophyd.Device):
        value = Component(cophyd.Signal, "X")

    with pytest.raises(TypeError, match=r"Odd\.value: wanted EpicsSignal"):
        Odd("X:", name="odd", context=context)


def test_components_of_ophyd_are_refused(context):
    """Where one import was forgotten: not left out, with the files that they would have written."""
    kinds = {
        "Component": ophyd.Component(detectors.MyHDF5Plugin, "HDF1:"),
        "FormattedComponent": ophyd.FormattedComponent(EpicsSignal, "{prefix}ao"),
        "DynamicDeviceComponent": ophyd.DynamicDeviceComponent({"x": (EpicsSignal, "ao", {})}),
    }
    for kind, part in kinds.items():
        mixin = type("Mixin", (), {"hdf1": part})
        for bases, members in (((), {"hdf1": part}), ((mixin,), {})):
            with pytest.raises(TypeError, match=rf"Mine\.hdf1: wanted .*, found ophyd.*\.{kind}"):
                type("Mine", (*bases, cophyd.PilatusDetector), members)


@pytest.mark.parametrize("cls", [ophyd.EpicsSignal, ophyd.Signal, ophyd.HDF5Plugin, object])
def test_classes_of_ophyd_are_no_components(context, cls):
    class Odd(cophyd.Device):
        value = Component(cls, "X")

    with pytest.raises(TypeError, match=r"Odd\.value: wanted a device or a signal of cophyd"):
        Odd("X:", name="odd", context=context)


@pytest.mark.parametrize("cls", [EpicsSignal, cophyd.EpicsMotor, detectors.MyPilatus])
def test_devices_of_ophyd_are_no_parents(cls):
    class Beamline(ophyd.Device):
        part = ophyd.Component(cls, "X")

    with pytest.raises(TypeError, match="b_part: wanted a device of cophyd as its parent, found "):
        Beamline("", name="b")


def test_labels_are_where_bluesky_s_magics_look(context):
    class Table(cophyd.Device):
        x = Component(cophyd.EpicsMotor, "m1", labels=["motors"])
        shutter = Component(EpicsSignal, "S", labels=("shutters",))

    table = Table("X:", name="table", context=context, labels={"tables"})
    labels = [part._ophyd_labels_ for part in (table, table.x, table.shutter, table.x.velocity)]
    assert labels == [{"tables"}, {"motors"}, {"shutters"}, set()]


TEXT = """
class BeamlineCam : PilatusDetectorCam
doc   Camera of a beamline
row   filter Filter rbv int config
class BeamlineDetector : SingleTrigger DetectorBase
dev   cam  cam1: BeamlineCam
dev   hdf1 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite
"""


def test_from_a_class_text(context, tmp_path):
    context.parse(TEXT, "beamline")
    det = cophyd.device_class("BeamlineDetector", context)("X:", name="det", context=context)
    assert type(det).__name__ == "BeamlineDetector" and isinstance(det, cophyd.SingleTrigger)
    assert isinstance(det.cam, cophyd.PilatusDetectorCam) and det.cam.filter.pvname
    assert type(det.cam).__doc__ == "Camera of a beamline"
    assert isinstance(det.hdf1, cophyd.HDF5Plugin_V34)
    assert det.hdf1.write_path_template == ""
    det.hdf1.write_path_template.put("/data")
    assert det.hdf1.write_path_template == det.hdf1.write_path_template.get() == "/data"
    file = tmp_path / "more.class"
    file.write_text("class More : BeamlineCam\n")
    context.load(file)
    assert "More" in context.class_names

    class Derived(cophyd.device_class("BeamlineCam", context)):
        mine = Component(EpicsSignal, "Mine")

    derived = Derived("X:", name="derived", context=context)
    assert derived.mine.pvname == "X:Mine" and derived.filter.pvname == "X:Filter_RBV"


def test_mistakes_in_a_text(context):
    with pytest.raises(cophyd.InvalidValueError, match="text:2") as caught:
        context.parse("class A\nrow x X rvb int config\nrow y Y rw int confg\n")
    assert len(caught.value.report) == 2
    with pytest.raises(cophyd.CophydError, match="nearest"):
        cophyd.device_class("PilatusDetectr", context)


def test_several_classes_joined(context):
    cls = cophyd.device_class("TIFFPlugin@3.4 FileStoreTIFF", context)
    plugin = cls("X:", name="tiff", context=context)
    assert isinstance(plugin, cophyd.TIFFPlugin) and isinstance(plugin, cophyd.FileStoreTIFF)
    assert plugin.class_name == "TIFFPlugin@3.4 FileStoreTIFF"
    assert plugin.write_path_template == ""


# --- What one sees


def test_completion(context):
    det = Detector("X:", name="det", context=context)
    assert {"cam", "hdf1", "stage", "stage_sigs"} <= set(dir(det))
    assert {"acquire_time", "dose", "array_size"} <= set(dir(det.cam))
    assert set(dir(det.cam.array_size)) >= {"array_size_x", "array_size_y", "array_size_z"}


def test_help(context):
    det = Detector("X:", name="det", context=context)
    shown = pydoc.render_doc(det.cam)
    assert 'A camera with # a "filter".' in shown
    assert "acquire_time: X:cam1:AcquireTime X:cam1:AcquireTime_RBV" in shown
    assert "dose: X:cam1:Dose_RBV" in shown and 'the "wheel"' in shown
    assert "hdf1: MyHDF5Plugin, at X:HDF1:" in pydoc.render_doc(det)
    assert inspect.getdoc(Cam) == 'A camera with # a "filter".'


def test_attributes_that_are_not_there(context):
    det = Detector("X:", name="det", context=context)
    for _ in range(2):
        with pytest.raises(AttributeError, match=r"det\.cam: wanted aquire_time") as caught:
            det.cam.aquire_time  # noqa: B018
        assert (caught.value.name, caught.value.obj) == ("aquire_time", det.cam)
    with pytest.raises(AttributeError):
        det.cam._no_such  # noqa: B018
    assert not hasattr(det, "set") and not hasattr(det, "collect")


def test_groups_of_attributes(context):
    cam = Cam("X:", name="cam", context=context)
    size = cam.array_size.array_size_x
    assert size.pvname == "X:ArraySizeX_RBV" and size.name == "cam_array_size_array_size_x"
    assert cam.attribute("array_size.array_size_x") is size
    assert cam.array_size.parent is cam


class Filter(EpicsSignal):
    """A signal that can do more."""

    def __init__(self, *arguments, wavelength=1.0, **named):
        super().__init__(*arguments, **named)
        self.wavelength = wavelength

    def open(self):
        return "open"


def test_signals_of_ones_own_class(context):
    class Table(cophyd.Device):
        filter = Component(Filter, "Filter", wavelength=1.5)

    table = Table("X:", name="table", context=context)
    assert table.filter.open() == "open" and table.filter.pvname == "X:Filter"
    assert table.filter.wavelength == 1.5


def test_components_of_a_class_that_is_no_device(context):
    class Filtered:
        filter = Component(Filter, "Filter", wavelength=1.5)
        spare = Component(cophyd.EpicsSignal, "Spare")

    class Table(Filtered, cophyd.Device):
        height = Component(cophyd.EpicsSignal, "Height")

    class Bare(Table):
        spare = None

    table = Table("X:", name="table", context=context)
    assert table.filter.wavelength == 1.5 and table.spare.pvname == "X:Spare"
    assert table.component_names == ("filter", "spare", "height")
    assert Bare("X:", name="bare", context=context).component_names == ("filter", "height")


def test_signals_in_memory_as_attributes(context):
    class Sample(cophyd.Device):
        title = Component(cophyd.SoftSignal, value="none")
        mass = Component(cophyd.SoftSignal, value=1.5, units="mg", kind="hinted")
        batch = Component(cophyd.SoftSignal, value=3, kind="config")

    class Table(cophyd.Device):
        sample = Component(Sample, "")

    table, other = (Table("X:", name=name, context=context) for name in ("table", "other"))
    table.sample.title.put("lysozyme")
    assert {key: reading["value"] for key, reading in table.read().items()} == {
        "table_sample_title": "lysozyme",
        "table_sample_mass": 1.5,
    }
    assert other.sample.title.get() == "none"
    assert list(table.describe()) == list(table.read())
    assert table.describe()["table_sample_mass"]["object_name"] == "table"
    assert list(table.read_configuration()) == ["table_sample_batch"]
    assert list(table.describe_configuration()) == ["table_sample_batch"]
    assert table.hints == {"fields": ["table_sample_mass"]}
    assert table.sample.component_names == ("title", "mass", "batch")
    assert table.sample.mass.parent is table.sample


def test_redeclared_attributes_keep_what_the_ioc_needs(context):
    """Of the same PV: that Acquire is an action, and how long a threshold takes."""

    class Again(cophyd.PilatusDetectorCam):
        acquire = Component(EpicsSignalWithRBV, "Acquire", kind="normal")
        threshold_energy = Component(EpicsSignalWithRBV, "ThresholdEnergy")
        num_images = Component(EpicsSignal, "OtherImages")

    rows = context.rows("PilatusDetectorCam")
    again = Again("X:", name="again", context=context)
    known = context.rows(again.class_name)
    assert known["acquire"].how == "start" == rows["acquire"].how
    assert known["acquire"].kind == cophyd.Kind.normal
    assert known["threshold_energy"].options == "slow=110" == rows["threshold_energy"].options
    assert known["threshold_energy"].doc == rows["threshold_energy"].doc
    assert (known["num_images"].how, known["num_images"].suffix) == ("rw", "OtherImages")


@pytest.mark.parametrize("of", [EpicsSignal, EpicsSignalWithRBV])
def test_actions_and_folders_stay_what_they_are(context, of):
    class Again(cophyd.HDF5Plugin):
        capture = Component(of, "Capture")
        file_path = Component(of, "FilePath", string=True)
        file_name = Component(EpicsSignal, "FileName_RBV", write_pv="FileName", string=True)
        write_file = Component(of, "WriteFile", how="rw")

    again = Again("X:", name="again", context=context)
    known = context.rows(again.class_name)
    names = ("capture", "file_path", "file_name", "write_file")
    assert [known[name].how for name in names] == ["start", "path", "rbv", "rw"]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 5, 7])
def test_all_kinds(context, kind):
    class Any(cophyd.Device):
        value = Component(EpicsSignal, "Value", kind=kind)

    assert Any("X:", name="any", context=context).value.kind == kind
