"""How long a point takes that a RunEngine counts."""

from bluesky.plans import count

import side


def per_point(engine, device):
    """From event to event: a run's begin and end are none of a point's."""
    events = []

    def look(name, document):
        if name == "event":
            events.append(side.now())

    engine(count([device], num=side.POINTS), look)
    side.need(len(events) == side.POINTS, "a RunEngine without events")
    return (events[-1] - events[0]) / (side.POINTS - 1)
