"""The ways that frames take from a camera to the files, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._library import ffi, lib, seconds, text, written_by
from .errors import CophydError, call_for, exception_of, sentence


@dataclass(frozen=True)
class MissingPlugin:
    """A plugin that the IOC has and the device does not declare."""

    port: str
    prefix: str
    type: str
    class_name: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the ways of the frames."""

    severity: str
    """"error": frames would be lost; "warning": slow, or soon to go wrong."""
    error: CophydError
    advice: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.error}. {self.advice}"


@dataclass(frozen=True)
class GraphNode:
    """A port. Where the IOC has no such record a number is -1, a yes or no is None."""

    attr: str
    """The device that has it: "hdf1"; "" of a port that is only named by one."""
    port: str
    type: str
    """PluginType_RBV; "" of a camera."""
    source: str
    """The port that its frames come from."""
    address: int
    is_camera: bool
    has_camera: bool
    """Whether the chain against the frames ends at a camera."""
    enabled: bool | None
    """Whether it takes frames."""
    callbacks: bool | None
    """Whether it hands frames on."""
    blocking: bool | None
    """Whether its source waits for it."""
    queue_size: int
    queue_free: int
    min_callback_time: float
    """Seconds between frames that it takes; others are skipped."""

    @classmethod
    def of(cls, node: Any) -> GraphNode:
        return cls(
            attr=text(node.attr),
            port=text(node.port),
            type=text(node.type),
            source=text(node.source),
            address=node.address,
            is_camera=bool(node.is_camera),
            has_camera=bool(node.has_camera),
            enabled=_known(node.enabled),
            callbacks=_known(node.callbacks),
            blocking=_known(node.blocking),
            queue_size=node.queue_size,
            queue_free=node.queue_free,
            min_callback_time=node.min_callback_time,
        )


def _known(flag: int) -> bool | None:
    return None if flag < 0 else bool(flag)


@dataclass(frozen=True)
class GraphEdge:
    """Frames that go from one port to another."""

    start: GraphNode
    end: GraphNode


@dataclass(frozen=True)
class Graph:
    """The ports of a detector and its plugins. print() shows it as a tree of lines."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    text: str
    dot: str
    """The same for Graphviz: `dot -Tsvg`."""

    def __str__(self) -> str:
        return self.text


def graph_of(device: Any, timeout: float | None) -> Graph:
    graph = call_for("oph_graph *", lib.oph_graph_new, device, seconds(timeout))
    count = lib.oph_graph_node_count(graph)
    nodes = [GraphNode.of(lib.oph_graph_node_at(graph, i)) for i in range(count)]
    count = lib.oph_graph_edge_count(graph)
    rows = [lib.oph_graph_edge_at(graph, i) for i in range(count)]
    edges = [GraphEdge(nodes[getattr(row, "from")], nodes[row.to]) for row in rows]
    lines, dot = written_by(lib.oph_graph_text, graph), written_by(lib.oph_graph_dot, graph)
    lib.oph_graph_free(graph)
    return Graph(tuple(nodes), tuple(edges), lines, dot)


def findings_of(device: Any, timeout: float | None) -> list[Finding]:
    found = call_for("oph_findings *", lib.oph_validate, device, seconds(timeout))
    findings = []
    for i in range(lib.oph_findings_count(found)):
        row = lib.oph_findings_at(found, i)
        severity = "warning" if row.severity == lib.OPH_SEVERITY_WARNING else "error"
        error = exception_of(ffi.addressof(row, "error"))
        findings.append(Finding(severity, error, sentence(row.advice)))
    lib.oph_findings_free(found)
    return findings


def missing_plugins_of(device: Any, timeout: float | None) -> list[MissingPlugin]:
    found = call_for("oph_plugins *", lib.oph_missing_plugins, device, seconds(timeout))
    rows = [lib.oph_plugins_at(found, i) for i in range(lib.oph_plugins_count(found))]
    plugins = [
        MissingPlugin(text(p.port), text(p.prefix), text(p.type), text(p.class_name)) for p in rows
    ]
    lib.oph_plugins_free(found)
    return plugins
