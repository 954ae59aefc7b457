"""The same with aioca, whose calls take lists of names."""

import asyncio

import aioca

import side

loop = asyncio.new_event_loop()


def wait(coroutine):
    return loop.run_until_complete(coroutine)


def connect(names):
    wait(aioca.connect(names, timeout=side.PATIENCE))
    return names


def connect_round(_):
    started = side.now()
    connect(side.names(0, side.SIGNALS))
    return side.now() - started


def memory_round(_):
    before = side.memory()
    connect(side.names(1, side.SIGNALS))
    return (side.memory() - before) / (side.SIGNALS - 1)


def connect_many_round(_):
    started = side.now()
    connect(side.names(0, side.size()))
    return side.now() - started


def memory_500_round(_):
    before = side.memory()
    connect(side.names(1, 501))
    return side.memory() - before


async def get_each(names):
    for i, name in enumerate(names):
        value = await aioca.caget(name, format=aioca.FORMAT_TIME)
        side.need(value == i + 0.5, "aioca: a wrong value")


def get_one_round(names):
    started = side.now()
    wait(get_each(names))
    return (side.now() - started) / side.SIGNALS


def read_all_round(names):
    started = side.now()
    values = wait(aioca.caget(names, format=aioca.FORMAT_TIME))
    took = side.now() - started
    side.need(values == [i + 0.5 for i in range(side.SIGNALS)], "aioca: wrong values")
    return took


async def put_each(names):
    for i, name in enumerate(names):
        await aioca.caput(name, i, wait=True)


def put_one_round(names):
    started = side.now()
    wait(put_each(names))
    return (side.now() - started) / side.SIGNALS


def put_all_round(names):
    started = side.now()
    wait(aioca.caput(names, list(range(side.SIGNALS)), wait=True))
    return side.now() - started


def image_get_round(names):
    started = side.now()
    for _ in range(side.IMAGES):
        value = wait(aioca.caget(names[0], format=aioca.FORMAT_TIME, timeout=side.PATIENCE))
        side.need(len(value) == side.IMAGE and value[-1] == side.IMAGE - 1, "aioca: a wrong image")
    return (side.now() - started) / side.IMAGES


class Watching:
    def __init__(self):
        connect(["b:array", "b:array.PROC"])
        self.came = asyncio.Event()

    async def watch(self):
        self.monitor = aioca.camonitor("b:array", self.changed, format=aioca.FORMAT_TIME, all_updates=True)
        await self.wait()

    def changed(self, value):
        side.need(len(value) == side.IMAGE and value[-1] == side.IMAGE - 1, "aioca: a wrong image")
        self.came.set()

    async def wait(self):
        await asyncio.wait_for(self.came.wait(), side.PATIENCE)
        self.came.clear()

    async def round(self):
        for _ in range(side.IMAGES):
            await aioca.caput("b:array.PROC", 1)
            await self.wait()


def image_monitor_round(watching):
    wait(watching.watch())
    started = side.now()
    wait(watching.round())
    took = side.now() - started
    watching.monitor.close()
    return took / side.IMAGES


def array_get_round(names):
    started = side.now()
    for _ in range(side.ARRAYS):
        value = wait(aioca.caget(names[0], format=aioca.FORMAT_TIME, timeout=side.PATIENCE))
        side.need(len(value) == side.ARRAY and value[-1] == side.ARRAY - 1, "aioca: a wrong array")
    return (side.now() - started) / side.ARRAYS


class Counting:
    def __init__(self):
        self.names = connect(side.names(0, side.SIGNALS))
        self.done = asyncio.Event()
        self.left = 0

    def changed(self, value, index):
        self.left -= 1
        if self.left == 0:
            self.done.set()

    async def wait_for(self, events):
        self.done.clear()
        self.left = events
        await asyncio.wait_for(self.done.wait(), side.PATIENCE)

    async def round(self):
        monitors = aioca.camonitor(
            self.names, self.changed, format=aioca.FORMAT_TIME, all_updates=True)
        await self.wait_for(side.SIGNALS)
        started, computed = side.now(), side.cpu()
        await self.wait_for(side.EVENTS)
        value = (side.cpu() - computed) / side.EVENTS
        rate = side.EVENTS / (side.now() - started)
        for monitor in monitors:
            monitor.close()
        return value, rate


def monitor_round(counting):
    return wait(counting.round())


def all_signals():
    return connect(side.names(0, side.SIGNALS))


side.run({
    "connect": (lambda: None, connect_round),
    "connect_many": (lambda: None, connect_many_round),
    "memory_500": (lambda: connect(side.names(0, 1)), memory_500_round),
    "put_one": (all_signals, put_one_round),
    "put_all": (all_signals, put_all_round),
    "image_get": (lambda: connect(["b:array"]), image_get_round),
    "image_monitor": (Watching, image_monitor_round),
    "memory": (lambda: connect(side.names(0, 1)), memory_round),
    "get_one": (all_signals, get_one_round),
    "read_all": (all_signals, read_all_round),
    "array_get": (lambda: connect(["b:array"]), array_get_round),
    "monitor": (Counting, monitor_round),
})
