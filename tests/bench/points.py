"""How long a point takes that a RunEngine counts."""

from bluesky.plans import count

import side


def per_point(engine, device):
    """From event to event: a run's begin and end are none of a point's."""
    events = []
    engine(count([device], num=side.POINTS), lambda name, document: name == "event" and events.append(side.now()))
    side.need(len(events) == side.POINTS, "a RunEngine without events")
    return (events[-1] - events[0]) / (side.POINTS - 1)
