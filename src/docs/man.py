"""Man pages, in section 3, of the functions that most programs use. A page has all functions that
one comment speaks of, and there is one for the name of each."""

import re

import markup
from header_pages import Ownership, errors, more_of, summary, used_types

COMMON = """
oph_context_new oph_interrupt oph_context_log oph_class_parse oph_class_load
oph_device_new oph_device_free oph_device_child oph_device_name oph_device_attr_count oph_connect
oph_device_state
oph_stage oph_stage_with oph_unstage oph_unstage_with oph_plan_new oph_plan_text oph_recover
oph_journals_find
oph_trigger oph_trigger_set_frames oph_stop oph_acquire oph_prepare oph_kickoff oph_complete
oph_status_new oph_status_ref oph_status_wait oph_status_done oph_status_on_done oph_status_cancel
oph_status_fd
oph_status_all oph_status_progress oph_status_watch
oph_signal_find oph_signal_read oph_signal_get_int oph_signal_wait oph_signal_put
oph_signal_put_int oph_get_int
oph_put oph_subscribe oph_queue_next oph_group_run
oph_settings_set_int oph_settings_parse oph_settings_print oph_settings_set
oph_files_set oph_files_set_name oph_file_name oph_files_describe
oph_frames_open oph_frames_read oph_image_read oph_primed oph_warmup
oph_read oph_describe oph_hints oph_graph_new oph_graph_text oph_validate oph_missing_plugins
oph_error_print oph_report_count oph_code_name oph_version
""".split()


class Page:
    def __init__(self, site, ownership, name):
        self.site, self.ownership = site, ownership
        self.item = site.headers.functions[name]
        self.items = [i for i in self.item.group.items if i.kind in ("function", "function macro")]
        if self.item.kind == "function macro":
            self.items = [self.item]

    def code(self, text):
        return "\n".join(markup.roff(line) for line in text.split("\n"))

    def synopsis(self):
        out = [f".nf\n#include <cophyd/{self.item.header}>\n"]
        known = {i.name for i in self.items}
        for type_ in reversed(used_types(self.site, self.item)):
            if type_.name not in known:
                out.append(self.code(type_.code) + "\n")
        out += [self.code(item.code) for item in self.items]
        return "\n".join(out) + "\n.fi"

    def description(self):
        out = []
        texts = [("", self.item.comment)]
        same = self.site.headers.same_as(self.item)
        if same:
            texts.append((f"Of {same.name}: ", same.comment))
        texts += [(f"{item.name}: ", item.trailing) for item in self.items if item.trailing]
        header = self.site.headers.header_of(self.item)
        texts.append((f"All of <cophyd/{header.name}>: ", more_of(header)))
        for before, text in texts:
            if text:
                out.append(markup.to_roff(before + text))
        return "\n.PP\n".join(out)

    def returns(self):
        out = []
        if re.match(r"int .*oph_error \*err\)", self.item.signature):
            out.append("0, or a negative code; then err, which may be NULL, says what went wrong.")
        for item in self.items:
            out += [text for text in self.ownership.of(item) if text not in out]
        return [".SH RETURN VALUE", markup.to_roff(" ".join(out))] if out else []

    def errors(self):
        found = errors(self.site, self.items)
        out = [f".TP\n.B {code}\n{markup.to_roff(meaning)}" for code, meaning in found]
        return [".SH ERRORS"] + out if out else []

    def see_also(self, names):
        """Those of the same header that have a page."""
        known = self.site.headers.functions
        names = [n for n in names if n != self.item.name and known[n].header == self.item.header]
        return references(["cophyd"] + sorted(names))

    def write(self, folder, head, names):
        title = ", ".join(item.name for item in self.items)
        what = markup.inline_roff(summary(self.site, self.item))
        out = [f".SH NAME\n{title} \\- {what}"]
        out.append(".SH LIBRARY\nEPICS areaDetector devices (libcophyd, pkg\\-config cophyd)")
        out.append(".SH SYNOPSIS\n" + self.synopsis())
        out.append(".SH DESCRIPTION\n" + self.description())
        out += self.returns() + self.errors() + self.see_also(names)
        for item in self.items:
            text = "\n".join([head % item.name] + out) + "\n"
            (folder / f"{item.name}.3").write_text(text)


def references(names):
    """A list of other man pages."""
    return [".SH SEE ALSO"] + [f".BR {n} (3){',' if n != names[-1] else ''}" for n in names]


def overview(site, pages, head, intro):
    """cophyd(3): conventions, and where to go on."""
    out = [head % "cophyd", ".SH NAME\ncophyd \\- EPICS areaDetector devices for C"]
    out.append(".SH SYNOPSIS\n.nf\n#include <cophyd/cophyd.h>\n.fi")
    out += [".SH DESCRIPTION", markup.to_roff(intro), ".SH FUNCTIONS"]
    for header in site.headers.headers:
        told = [page for page in pages if page.item.header == header.name]
        names = [item.name for page in told for item in page.items]
        if names:
            out.append(f".TP\n.B <cophyd/{header.name}>\n" + markup.wrap(", ".join(names) + "."))
    return "\n".join(out + references(["oph_context_new", "oph_device_new", "oph_stage"])) + "\n"


def write(site, folder, date, intro):
    folder.mkdir(parents=True)
    ownership = Ownership(site.headers)
    head = f'.TH %s 3 "{date}" "cophyd {site.version}" "cophyd"\n.nh'
    pages = [Page(site, ownership, name) for name in COMMON]
    for page in pages:
        page.write(folder, head, COMMON)
    (folder / "cophyd.3").write_text(overview(site, pages, head, intro))
