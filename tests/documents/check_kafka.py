"""What runs send to Kafka, read by bluesky-kafka's own consumers from a broker of tests/documents/broker.c:
the same documents as on standard output, one for one, of runs that end well and of one that a signal ends.
With COPHYD_KAFKA=HOST:PORT from that broker. In TAP."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import bluesky_kafka
from check import BUILD, Run, Simulator, Tap, strict

PATIENCE = 60  # seconds for documents to come


class Broker:
    def __init__(self):
        self.brokers = os.environ.get("COPHYD_KAFKA")
        self.process = None
        if not self.brokers:
            pipe = subprocess.PIPE
            program = f"{BUILD}/tests/documents/broker"
            self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True)
            self.brokers = self.process.stdout.readline().strip()

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(20)


def settings(broker, topic):
    config = {"auto.offset.reset": "earliest", "allow.auto.create.topics": True}
    return dict(
        topics=[topic],
        bootstrap_servers=broker.brokers,
        group_id=str(uuid.uuid4()),
        consumer_config=config,
        polling_duration=0.1,
    )


def in_time():
    until = time.monotonic() + PATIENCE
    return lambda: time.monotonic() < until


def consume(broker, topic):
    """By a BlueskyConsumer, until a run has come to its end."""
    found = []

    def take(consumer, topic, name, document):
        found.append((name, document))

    inside = in_time()
    consumer = bluesky_kafka.BlueskyConsumer(process_document=take, **settings(broker, topic))
    consumer.start(continue_polling=lambda: inside() and not (found and found[-1][0] == "stop"))
    return found


def dispatch(broker, topic):
    """By a RemoteDispatcher, as callbacks get them."""
    found = []
    dispatcher = bluesky_kafka.RemoteDispatcher(**settings(broker, topic))
    dispatcher.subscribe(lambda name, document: found.append((name, document)))
    inside = in_time()
    dispatcher.start(continue_polling=lambda: inside() and not (found and found[-1][0] == "stop"))
    return found


def count(sim, root, broker, topic, form, points, last=None):
    """Its lines, and what it leaves; with `last`, SIGTERM comes after so many."""
    kept = f"{root}/kept"
    arguments = ["Stream", form, "1", str(points), "/data/k/", f"{root}/k/"]
    process = subprocess.Popen(
        [f"{BUILD}/tests/documents/counts", *arguments, broker.brokers, topic, kept],
        env=sim.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    if last:
        lines = [process.stdout.readline() for _ in range(last)]
        process.send_signal(signal.SIGTERM)
    lines += process.stdout.readlines()
    err = process.stderr.read().strip()
    process.wait(60)
    return [tuple(strict(line)) for line in lines], err, os.listdir(kept)


def compare(tap, what, read, told):
    found = [(name, document) for name, document in read]
    tap.ok(len(found) > 3 and found == told, f"{what}: the same {len(told)} documents, in order")
    if found != told:
        print("# found", [name for name, _ in found], flush=True)
    run = Run()
    for name, document in found:
        run.add(name, document)
    tap.none(run.mistakes, f"{what}: all are valid")


def main():
    tap = Tap()
    root = tempfile.mkdtemp(prefix="cophyd-kafka-")
    os.mkdir(f"{root}/kept")
    sim, broker = Simulator(root), Broker()
    try:
        for form in ("resource", "stream"):
            for how in (consume, dispatch):
                topic = f"test{uuid.uuid4().hex[:8]}.bluesky.runengine.documents"
                told, err, kept = count(sim, root, broker, topic, form, 5)
                tap.ok(not err and not kept, f"{form}: the run arrives, {err}")
                compare(tap, f"{form}, {how.__name__}", how(broker, topic), told)
        topic = f"test{uuid.uuid4().hex[:8]}.bluesky.runengine.documents"
        told, err, kept = count(sim, root, broker, topic, "resource", 1000000, last=9)
        tap.ok("interrupted" in err and not kept, f"SIGTERM: {err}")
        tap.ok(told[-1][1].get("exit_status") == "abort", "SIGTERM: the stop document says abort")
        compare(tap, "SIGTERM", consume(broker, topic), told)
    finally:
        broker.stop()
        tap.ok(sim.stop() == 0, "the simulator ends")
        shutil.rmtree(root)
    print(f"1..{tap.count}")
    return tap.failed > 0


if __name__ == "__main__":
    sys.exit(main())
