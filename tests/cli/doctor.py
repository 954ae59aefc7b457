"""What the tests of cophyd doctor share: its results, and what is wrong at a time."""
import json

from harness import PREFIX, has, ok, same

CHECKS = ["connection", "version", "server", "records", "plugins", "chain", "callbacks", "blocking",
          "queues", "camera-files", "folder", "here", "priming", "filters", "setpoints", "clock",
          "journal"]
RANK = ["ok", "warning", "failed"]

# The detector, with something more of its own.
TEXT = """class Own : SingleTrigger PilatusDetector
dev   image image1: ImagePlugin
dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite
stage hdf1  lazy_open=1
%s
"""

# A boot of the simulator: what a Pilatus's driver does not know before it is told.
AS_BOOTED = {"records": "warning", "setpoints": "warning"}


def own(command, text):
    """The option for a detector that has this, too."""
    return ["--class", command.write("own.class", TEXT % text)]


class Doctor:
    def __init__(self, command, sim, *words):
        self.command, self.sim, self.words = command, sim, [*sim.folders, *words]

    def results(self, *words, code=None):
        """The exit code, and what was found, in order."""
        end = self.command.run("doctor", "--json", PREFIX, *self.words, *words)
        found = [json.loads(line) for line in end.stdout.splitlines()]
        failed = any(one["grade"] == "failed" for one in found)
        if code is None:
            ok(end.returncode == failed, "exit code %d" % failed, end.stderr)
        return found

    def grades(self, found):
        """The worst of each check."""
        worst = {}
        for one in found:
            worst[one["check"]] = max(worst.get(one["check"], "ok"), one["grade"], key=RANK.index)
        return worst

    def well(self, name, **but):
        found = self.results()
        return same(self.grades(found), {**dict.fromkeys(CHECKS, "ok"), **AS_BOOTED, **but}, name)

    def ill(self, name, check, grade, words, *options, **but):
        """This check finds that, with these words and an advice, and no other finds anything."""
        found = self.results(*options)
        same(self.grades(found), {**dict.fromkeys(CHECKS, "ok"), **AS_BOOTED, check: grade, **but},
             name)
        told = [one for one in found if one["check"] == check and one["grade"] == grade]
        text = "\n".join("%s %s" % (one["found"], one["advice"]) for one in told)
        has(text, words, "%s: %s" % (check, ", ".join(words)))
        if check not in AS_BOOTED:
            ok(all(one["advice"] for one in told), "and what to do", text)
