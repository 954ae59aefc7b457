"""Devices: trees of signals, made from a class and a PV prefix."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ._library import ffi, lib, new_struct, seconds, text
from .classes import Component, Declarations, refuse_strangers
from .context import Context, default_context
from .descriptions import descriptions_of
from .documents import Document
from .errors import (
    CophydError,
    call,
    call_for,
    call_with_report,
    make_error,
    new_error,
    take_report,
)
from .group import Group
from .instance_doc import InstanceDoc
from .kinds import AttrNames, Kind, kind_of
from .named import Named, refuse_foster
from .plan import Plan, plan_of, stage_options
from .pv import EpicsSignal, EpicsSignalBase, EpicsSignalRO, EpicsSignalWithRBV
from .readings import call_descriptions, call_readings, signals_read
from .settings import StageSigs
from .several import connect_all
from .signal import SignalRO
from .soft import SoftSignal
from .status import Status
from .tree import Tree

logger = logging.getLogger("cophyd")

SIGNALS: dict[str, type[EpicsSignalBase]] = {"ro": EpicsSignalRO, "rw": EpicsSignal}


class ComponentWalk(NamedTuple):
    """A signal below a device, as ophyd tells of it."""

    ancestors: tuple[Device, ...]
    """From the device on that was asked."""
    dotted_name: str
    item: SignalRO


class Device(Named):
    """A device at a PV prefix: its signals and child devices are its attributes.

    det = PilatusDetector("13PIL1:", name="det")

    Making one needs no IOC. `kind`, `read_attrs` and `configuration_attrs` are as in ophyd: what
    of it, and of its attributes, is read. `labels` are for bluesky's %wa and %ct. A subclass
    declares its own attributes by Component; what it stages at first may follow as `class_text`,
    in the words of a class text.
    """

    default_kind = Kind.normal  # of components that do not say
    is_device_class = True
    is_plain = True  # not a class for the library

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        refuse_strangers(cls)
        cls.__doc__ = InstanceDoc(vars(cls).get("__doc__"))  # type: ignore[assignment]

    def __init__(
        self,
        prefix: str = "",
        *,
        name: str = "",
        kind: Kind | int | str | None = None,
        read_attrs: Sequence[str] | None = None,
        configuration_attrs: Sequence[str] | None = None,
        labels: Iterable[str] = (),
        parent: Device | None = None,
        attr_name: str = "",
        context: Context | None = None,
    ) -> None:
        self._attributes: dict[str, Any] = {}
        self._ophyd_labels_ = set(labels)
        self._absent: dict[tuple[str, int], str] = {}
        self._soft: list[SoftSignal] = []
        self._context: Context
        self._tree: Tree
        self.parent = parent
        refuse_foster(name, parent)
        if parent is None:
            self._make(prefix, name, context or default_context())
        else:
            self._context, self._tree = parent._context, parent._tree
            self._memory = call_for(
                "oph_device *", lib.oph_device_child, parent._ptr, attr_name.encode()
            )
            self.name = text(lib.oph_device_name(self._memory))
        self.attr_name = attr_name
        self.class_name = text(lib.oph_device_class(self._memory))
        self._refuse_lost_children()
        for part in self._declared():
            if part.is_soft:
                self._soft.append(self._make_soft(part))
            elif not part.is_signal:
                self._adopt(part)
            elif part.kind is not None and part.kind & Kind.config:
                self.attribute(part.attr).kind = part.kind
            elif part.arguments:
                self.attribute(part.attr)  # which says whether it takes them
        if kind is not None:
            self.kind = kind_of(kind)
        if read_attrs is not None:
            self.read_attrs = read_attrs
        if configuration_attrs is not None:
            self.configuration_attrs = configuration_attrs

    def _make(self, prefix: str, name: str, context: Context) -> None:
        if not name:
            raise TypeError(f"{type(self).__name__}: wanted a name")
        self._context = context
        self.name = name
        self._memory = call_for(
            "oph_device *",
            lib.oph_device_new,
            context._ptr,
            Declarations(context).name_of(type(self)).encode(),
            prefix.encode(),
            name.encode(),
        )
        self._tree = Tree(self, self._memory)

    @property
    def _ptr(self) -> Any:
        if not self._tree.free.alive:
            raise make_error(lib.OPH_ESTATE, f"{self._tree.name} was destroyed")
        return self._memory

    @classmethod
    def _declared(cls) -> list[Component]:
        found: dict[str, Component] = {}
        for owner in reversed(cls.__mro__):
            for name, part in vars(owner).items():
                if isinstance(part, Component):
                    found[name] = part
                elif part is None:
                    found.pop(name, None)
        return list(found.values())

    def _refuse_lost_children(self) -> None:
        """A class text takes signals of a base away, and no devices."""
        for name in self._children():
            if getattr(type(self), name, self) is None:
                found = "wanted a signal to be without, found a child device"
                raise TypeError(f"{type(self).__name__}.{name} = None: {found}")

    def _adopt(self, part: Component) -> None:
        """Makes a declared child."""
        prefix = text(lib.oph_device_prefix(self._ptr)) + part.suffix
        child = part.cls(
            prefix,
            name=f"{self.name}_{part.attr}",
            parent=self,
            attr_name=part.attr,
            **part.arguments,
        )
        if part.kind is not None:
            child.kind = part.kind
        self._attributes[part.attr] = child

    def _make_soft(self, part: Component) -> SoftSignal:
        made = part.cls(
            name=f"{self.name}_{part.attr}",
            kind=Kind.normal if part.kind is None else part.kind,
            parent=self,
            attr_name=part.attr,
            context=self._context,
            **part.arguments,
        )
        self._attributes[part.attr] = made
        return made

    def destroy(self) -> None:
        """Unstages it if need be, and closes all its connections. It cannot be used any more."""
        self._tree.free()

    # --- Names

    class_name = ""

    @property
    def prefix(self) -> str:
        return text(lib.oph_device_prefix(self._ptr))

    @property
    def dotted_name(self) -> str:
        """The path from the root: "hdf1"; "" of the root."""
        return text(lib.oph_device_path(self._ptr)).partition(".")[2]

    @property
    def root(self) -> Device:
        return self if self.parent is None else self.parent.root

    @property
    def context(self) -> Context:
        return self._context

    # --- Attributes

    def _children(self) -> list[str]:
        ptr = self._ptr
        devices = (lib.oph_device_child_at(ptr, i) for i in range(lib.oph_device_child_count(ptr)))
        return [text(lib.oph_device_attr(child)) for child in devices]

    def _rows(self) -> list[str]:
        ptr = self._ptr
        return [text(lib.oph_device_attr_at(ptr, i)) for i in range(lib.oph_device_attr_count(ptr))]

    @property
    def component_names(self) -> tuple[str, ...]:
        """All attributes: child devices, then signals. One with dots in its name is reached by
        them: "array_size.height"."""
        return (*self._children(), *self._rows(), *(signal.attr_name for signal in self._soft))

    def attribute(self, name: str) -> Any:
        """The child device, the signal, or the group of them, of this name, which may have dots."""
        found = self._attributes.get(name)
        if found is None:
            found = self._attributes.setdefault(name, self._find(name))
        return found

    def walk_signals(self, *, include_lazy: bool = True) -> Iterator[ComponentWalk]:
        """All signals of it and of its children. `include_lazy` is ophyd's, and makes no
        difference: one that nobody used costs nothing."""
        for name in self.component_names:
            item = self.attribute(name)
            if not isinstance(item, Device):
                yield ComponentWalk((self,), name, item)
                continue
            for below in item.walk_signals():
                ancestors = (self, *below.ancestors)
                yield ComponentWalk(ancestors, f"{name}.{below.dotted_name}", below.item)

    def _find(self, name: str) -> Any:
        # Asked often, by bluesky for what a device can do; another release has other attributes.
        key = (name, lib.oph_device_attr_count(self._ptr))
        if key in self._absent:
            raise AttributeError(self._absent[key], name=name, obj=self)
        if name in self._children():
            return self._child(name)
        err = new_error()
        if lib.oph_signal_find(self._ptr, name.encode(), ffi.new("oph_signal **"), err) == 0:
            return self._signal(name)
        if any(known.startswith(f"{name}.") for known in self.component_names):
            return Group(self, name)
        first, _, rest = name.partition(".")
        if rest and first in self._children():
            return self.attribute(first).attribute(rest)
        self._absent[key] = text(err.text)
        raise AttributeError(self._absent[key], name=name, obj=self)

    def _child(self, attr: str) -> Device:
        from .lookup import device_class  # which knows the classes that derive from this one

        child = call_for("oph_device *", lib.oph_device_child, self._ptr, attr.encode())
        kind = device_class(text(lib.oph_device_class(child)), self._context)
        return kind(
            text(lib.oph_device_prefix(child)),
            name=text(lib.oph_device_name(child)),
            parent=self,
            attr_name=attr,
        )

    def _signal(self, attr: str) -> SignalRO:
        name = self._key_of(attr)
        declared = getattr(type(self), attr, None)
        if isinstance(declared, Component):
            kind, arguments = declared.cls, declared.arguments
        else:
            kind, arguments = self._signal_class(attr), {}
        return kind(name=name, parent=self, attr_name=attr, context=self._context, **arguments)

    def _key_of(self, attr: str) -> str:
        """By which the device reads it, and which is its name."""
        return f"{self.name}_{attr.replace('.', '_')}"

    def _signal_class(self, attr: str) -> type[EpicsSignalBase]:
        row = self._context.rows(self.class_name).get(attr)
        return SIGNALS.get(row.how, EpicsSignalWithRBV) if row else EpicsSignalWithRBV

    def path_to(self, signal: SignalRO) -> str:
        """The path of a signal of this tree from here, as stage_sigs has it."""
        device, ups, path = self, "", signal.attr_name
        chain = []
        owner = signal.parent
        while owner is not None:
            chain.append(owner)
            owner = owner.parent
        while device not in chain:
            if device.parent is None:
                raise ValueError(f"{signal.name} is no signal of {self.root.name}")
            device, ups = device.parent, ups + "parent."
        below = chain[: chain.index(device)]
        return ups + ".".join([*(d.attr_name for d in reversed(below)), path])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prefix!r}, name={self.name!r})"

    # --- Readings

    @property
    def kind(self) -> Kind:
        return Kind(lib.oph_device_kind(self._ptr))

    @kind.setter
    def kind(self, kind: Kind | int | str) -> None:
        call(lib.oph_device_set_kind, self._ptr, int(kind_of(kind)))

    @property
    def read_attrs(self) -> AttrNames:
        """The attributes and children that read() has."""
        return AttrNames(self, Kind.normal)

    @read_attrs.setter
    def read_attrs(self, names: Iterable[str]) -> None:
        self.read_attrs.choose(names)

    @property
    def configuration_attrs(self) -> AttrNames:
        """Those that read_configuration() has."""
        return AttrNames(self, Kind.config)

    @configuration_attrs.setter
    def configuration_attrs(self, names: Iterable[str]) -> None:
        self.configuration_attrs.choose(names)

    def _soft_of(self, kind: Kind) -> Iterator[SoftSignal]:
        """The signals in memory that are part of a reading."""
        yield from (signal for signal in self._soft if signal.kind & kind)
        for child in list(self._attributes.values()):  # which other threads look up more of
            if isinstance(child, Device) and child._has_soft and child.kind & kind:
                yield from child._soft_of(kind)

    @cached_property
    def _has_soft(self) -> bool:
        """At or below it: all of them are made with the device."""
        devices = [part for part in list(self._attributes.values()) if isinstance(part, Device)]
        return bool(self._soft) or any(device._has_soft for device in devices)

    def read(self) -> OrderedDict[str, dict[str, Any]]:
        """What it reads each time, in one message, with the IOC's times: {key: {"value",
        "timestamp", "alarm_severity"}}. Of a staged detector whose latest acquisition went well,
        images too: their datum's id."""
        found = call_readings(lib.oph_read, self._ptr)
        for signal in self._soft_of(Kind.normal):
            found.update(signal.read())
        found.update(self._tree.assets.read(self))
        return found

    def collect_asset_docs(self) -> Iterator[Document]:
        """The documents of images, at or below this device, that read() was called for and that
        have not been collected yet."""
        yield from self._tree.assets.collect(self)

    def describe(self) -> OrderedDict[str, dict[str, Any]]:
        """What those values are: event-model's data keys. Images are there while it is staged."""
        stores: dict[str, str] = {}
        if self.state == "idle":
            found = self._describe_signals()
        else:
            found = call_descriptions(lib.oph_describe, self._ptr, stores)
        for signal in self._soft_of(Kind.normal):
            found.update(signal.describe())
        return self._tree.assets.describe(self, found, stores)

    def _describe_signals(self) -> OrderedDict[str, dict[str, Any]]:
        """Without images, which an idle device may not know."""
        found: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for key, signal in signals_read(self._ptr):
            described = call_for(
                "oph_descriptions *", lib.oph_signal_describe, signal, seconds(None)
            )
            for data_key in descriptions_of(described).values():
                found[key] = {**data_key, "object_name": self.name}
        return found

    def read_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        """What is worth noting once for a run."""
        found = call_readings(lib.oph_read_configuration, self._ptr)
        for signal in self._soft_of(Kind.config):
            found.update(signal.read())
        return found

    def describe_configuration(self) -> OrderedDict[str, dict[str, Any]]:
        found = call_descriptions(lib.oph_describe_configuration, self._ptr)
        for signal in self._soft_of(Kind.config):
            found.update(signal.describe())
        return found

    @property
    def hints(self) -> dict[str, Any]:
        """{"fields": [...]}: the keys that are to be plotted."""
        keys = call_for("oph_keys *", lib.oph_hints, self._ptr)
        fields = [text(lib.oph_keys_at(keys, i)) for i in range(lib.oph_keys_count(keys))]
        lib.oph_keys_free(keys)
        fields += [signal.name for signal in self._soft_of(Kind.normal) if signal.hints["fields"]]
        return {"fields": fields}

    def summary(self) -> None:
        """Prints what it reads, and all of its attributes."""
        fields, read, config = self.hints["fields"], self.read_attrs, self.configuration_attrs
        keys = [("*" if key in fields else " ") + key for key in sorted(self.describe())]
        unused = [name for name in self.component_names if name not in (*read, *config)]
        parts = {
            "data keys (* hints)": keys,
            "read attrs": [self._summary_line(name) for name in read],
            "config keys": sorted(self.describe_configuration()),
            "configuration attrs": [self._summary_line(name) for name in config],
            "unused attrs": [self._summary_line(name) for name in unused],
        }
        for title, lines in parts.items():
            print(title, "-" * len(title), *lines, "", sep="\n")

    def _summary_line(self, name: str) -> str:
        item = self.attribute(name)
        return f"{name:<20} {type(item).__name__:<20}({item.name!r})"

    def configure(self, settings: Mapping[Any, Any]) -> tuple[dict, dict]:
        """Puts values, each by the name of an attribute, or a signal, as in stage_sigs; returns the
        configuration before and after."""
        signals = [self._one_of_mine(key) for key in settings]  # before anything is put
        before = self.read_configuration()
        for signal, value in zip(signals, settings.values()):
            signal.put(value)
        return before, self.read_configuration()

    def _one_of_mine(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.attribute(key)
        self.path_to(key)  # which refuses those of other trees
        return key

    # --- Staging and triggering

    @property
    def state(self) -> str:
        """ "idle", "staging", "staged", "triggering", "failed" or "unstaging"."""
        return text(lib.oph_state_name(lib.oph_device_state(self._ptr)))

    @property
    def stage_sigs(self) -> StageSigs:
        """What stage() writes, in order."""
        return StageSigs(self)

    @stage_sigs.setter
    def stage_sigs(self, settings: Mapping[Any, Any]) -> None:
        StageSigs(self).replace(settings)

    def wait_for_connection(
        self, all_signals: bool = False, timeout: float | None = None
    ) -> tuple[CophydError, ...]:
        """Finds all PVs that staging and triggering need, and of devices that are no detectors,
        cameras or plugins those that are declared in Python; the error's report lists those that
        are not there. Others connect at their first use; `all_signals` is ophyd's, and makes no
        difference. Returns what is otherwise than the class says, and does no harm."""
        differences = call_with_report(lib.oph_connect, self._ptr, seconds(timeout))
        connect_all(self._context, self._eager(), timeout)
        return differences

    has_lazy_signals = False
    """As ophyd's ADComponent makes them."""

    def _eager(self) -> list[SignalRO]:
        found = []
        for part in self._declared():
            item = self.attribute(part.attr)
            if isinstance(item, Device):
                found += item._eager()
            elif isinstance(item, SignalRO) and not self.has_lazy_signals:
                found.append(item)
        return found

    @property
    def connected(self) -> Any:
        """Whether the PVs that wait_for_connection() finds are connected now, and those of signals
        that are declared in Python or were used. Starts to look for them. Of a class that has such
        an attribute, as Xspress3DetectorCam, it is that."""
        if "connected" in self._rows():
            return self.attribute("connected")
        rc = lib.oph_connect(self._ptr, 0.0, ffi.NULL, ffi.NULL)
        return rc != lib.OPH_EDISCONN and all(signal.connected for signal in self._used())

    def _used(self) -> Iterator[SignalRO]:
        for part in self._declared():
            self.attribute(part.attr)
        for item in list(self._attributes.values()):  # which other threads look up more of
            if isinstance(item, Device):
                yield from item._used()
            elif isinstance(item, SignalRO):
                yield item

    def differences(self, timeout: float | None = None) -> tuple[CophydError, ...]:
        """Where the IOC is otherwise than the classes say: records that it lacks, other types and
        labels. Looks at every record, and so takes longer than all else here."""
        report = call_for("oph_report *", lib.oph_differences, self._ptr, seconds(timeout))
        return take_report([report])

    def _family(self) -> list[Device]:
        children = [self.attribute(name) for name in self._children()]
        return [self, *(device for child in children for device in child._family())]

    def plan(self, *, skip_unchanged: bool = False, takeover: bool = False) -> Plan:
        """What stage() with these options would write, in order, and what unstage() would put back.
        Nothing is written. Fails with what stage() would fail with."""
        return plan_of(self._ptr, stage_options(skip_unchanged, takeover))

    def stage(
        self, *, skip_unchanged: bool = False, takeover: bool = False, sync: bool = False
    ) -> list[Device]:
        """Saves all settings, then writes those in stage_sigs of this device and its children, and
        checks each. On a failure all is as before, and the error's report says everything that was
        wrong. Returns the devices.

        `skip_unchanged`: what is as wanted already is not written. `takeover`: what runs already is
        stopped first; else that is an error. `sync`: what is needed for putting back is on this
        machine's disk first. A subclass chooses them for bluesky, by a stage() of its own.
        """
        options = stage_options(skip_unchanged, takeover, sync)
        self._begin_stage()
        call_with_report(lib.oph_stage_with, self._ptr, options)
        return self._family()

    def _begin_stage(self) -> None:
        self._tree.assets.begin()

    def unstage(self, *, force: bool = False) -> list[Device]:
        """Puts the settings back. Always possible. What somebody else changed meanwhile is left,
        and told to the log of "cophyd"; with `force` it is put back, too."""
        options = new_struct("oph_unstage_options")
        options.force = force
        for kept in call_with_report(lib.oph_unstage_with, self._ptr, options):
            logger.warning("%s", kept)
        return self._family()[::-1]

    @cached_property
    def _has_trigger(self) -> bool:
        return bool(text(self._context.describe_class(self.class_name).trigger))

    def trigger(self) -> Status:
        """Starts an acquisition, where the class has a trigger; else there is nothing to do, and
        the status is done."""
        if not self._has_trigger:
            return Status.finished(self._context, self.name, self)
        self._tree.assets.forget_readings()
        made = call_for("oph_status *", lib.oph_trigger, self._ptr)
        self._acquisition = Status(made, self._context, self)
        return self._acquisition

    _acquisition: Status | None = None

    def stop(self, *, success: bool = False) -> None:
        """Ends an acquisition, and waits until it has. What is staged stays so. Motors are stopped,
        too: their moves fail, or with `success`, as the RunEngine pauses, are done."""
        if success:
            for device in self._family():
                if device._move is not None:
                    device._move._forgive()
        call(lib.oph_stop, self._ptr)

    _move: Status | None = None  # the newest, of a motor

    def pause(self) -> None:
        """An acquisition that runs goes on. The RunEngine has given its point up: so the status is
        done, and not failed, when it is ended now, as by an abort, which unstages."""
        if self._acquisition is not None:
            self._acquisition._forgive()

    def resume(self) -> None:
        """Waits until an acquisition that runs has ended, well or not: its status tells. The
        RunEngine begins the point again; so a file has a frame more than events."""
        if self._acquisition is not None:
            self._acquisition.exception()
