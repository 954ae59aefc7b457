#!/usr/bin/env -S python3 -B
"""Two commands at once on one detector, and on two: one of them is refused, and told who has it, or
both take their images one after the other. All settings are as before."""

import re
import sys
import threading

import faults
from cli import LIMIT, Tap, start
from faults import PREFIX, difference, fault_table

ROUNDS = 12


def begin(command, *words):
    words = ["count", "--class", command.file, PREFIX, *words]
    return start(*words, environment=command.environment)


def check_overtaken(tap, ioc, command, before):
    """One begins to stage while another puts its settings back: it reads what that one had staged,
    and could take it for what is to be put back."""
    clients, has_read = [], threading.Event()

    def let_other_end():
        has_read.set()
        clients[0].wait(LIMIT)

    def begin_one():
        ioc.link.strike_at(fault_table.LAST_ORIGINAL, let_other_end)
        clients.append(begin(command))
        assert has_read.wait(LIMIT), "the other has not begun"

    trap = ioc.link.strike_at(fault_table.FIRST_BACK, begin_one)
    clients.append(begin(command))
    tap.ok(trap.over.wait(LIMIT) and not trap.error, "one stages while another unstages")
    said = [client.communicate(timeout=LIMIT)[1] for client in clients]
    tap.equal([client.returncode for client in clients] + said, [0, 0, "", ""], "  both take their image")
    tap.equal(difference(before, ioc.setpoints()), "", "  all settings are as before")


def refused_by(client, other, text):
    """Whether this one was, and says that the other has it."""
    return client.returncode == 1 and re.search(rf"held by process {other.pid} \(cophyd\)", text) is not None


def check_at_once(tap, ioc, command, before):
    refused = 0
    for _ in range(ROUNDS):
        clients = [begin(command), begin(command)]
        said = [client.communicate(timeout=LIMIT)[1] for client in clients]
        each = [
            client.returncode == 0 or refused_by(client, other, text)
            for client, other, text in zip(clients, reversed(clients), said)
        ]
        codes = [client.returncode for client in clients]
        refused += sum(codes)
        if not tap.ok(all(each) and 0 in codes, f"two at once: exit status {codes}"):
            print("#", "".join(said).replace("\n", "\n# "), flush=True)
        tap.equal(difference(before, ioc.setpoints()), "", "  all settings are as before")
    print(f"# {refused} of {2 * ROUNDS} were refused", flush=True)
    tap.equal(command.run("recover").stdout, "nothing is left\n", "no journal is left")


def check_two_detectors(tap, iocs, commands):
    before = [ioc.setpoints() for ioc in iocs]
    for _ in range(ROUNDS // 2):
        clients = [begin(command, "-n", "3") for command in commands]
        said = [client.communicate(timeout=LIMIT)[1] for client in clients]
        tap.equal([client.returncode for client in clients] + said, [0, 0, "", ""], "two detectors at once")
    after = [ioc.setpoints() for ioc in iocs]
    tap.equal([difference(*pair) for pair in zip(before, after)], ["", ""], "all settings are as before")


def main():
    tap = Tap()
    iocs = [fault_table.Ioc(), fault_table.Ioc()]
    commands = [faults.Command(ioc) for ioc in iocs]
    # They share the folder of journals, as those of one user do.
    commands[1].environment["COPHYD_STATE_DIR"] = commands[0].environment["COPHYD_STATE_DIR"]
    before = iocs[0].setpoints()
    check_overtaken(tap, iocs[0], commands[0], before)
    check_at_once(tap, iocs[0], commands[0], before)
    check_two_detectors(tap, iocs, commands)
    for ioc in iocs:
        ioc.close()
    return tap.done()


sys.exit(main())
