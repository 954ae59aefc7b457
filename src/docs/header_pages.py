"""One page a public function, one a type, one a header; and the list of all functions."""

import html
import re

import markup
from pages import table


class Ownership:
    """Who frees what a function gives: as signatures and comments have it throughout."""

    def __init__(self, headers):
        self.ends = {}  # a type to the function that ends it
        for name, item in headers.functions.items():
            if found := re.fullmatch(r"void \w+\((\w+) \*\w+\);", item.signature):
                if name.endswith(("_free", "_unref")):
                    self.ends[found[1]] = name
        self.ends["oph_simulator"] = "oph_simulator_stop"

    def of(self, item):
        """Sentences; none where the comment itself says it."""
        if item.kind != "function":
            return []
        out = []
        for type_, name in re.findall(r"(\w+) \*\*(ret\w*)", item.signature):
            if "orrowed" in item.text and "yours" not in item.text or type_ not in self.ends:
                out.append(f"*{name} is borrowed.")
            else:
                out.append(f"*{name} is yours: end it with {self.ends[type_]}.")
        if re.match(r"(const )?\w+ \*", item.signature):
            out += self.of_pointer(item)
        return out

    def of_pointer(self, item):
        first = re.search(r"\((?:const )?(\w+) \*(\w+)", item.signature)
        if re.search(r"\b[Rr]eturns (buffer|ret|status)\b", item.text):
            return []
        if re.search(r"\b(own|[Bb]orrowed)\b", item.text):
            return []
        if re.search(r"\b[Ss]tatic\b", item.text):
            return ["What it returns is static."]
        return [f"What it returns is borrowed from {first[2]}."] if first else []


def errors(site, items):
    """The codes that the texts about some functions name, in the order of enum oph_code."""
    texts = [item.text for item in items] + [more_of(site.headers.header_of(items[0]))]
    same = site.headers.same_as(items[0])
    if same:
        texts.append(same.comment)
    said = set(re.findall(r"\bOPH_E\w+", " ".join(texts)))
    return [(code, meaning) for code, meaning in site.headers.codes.items() if code in said]


def more_of(header):
    """What a header says of all that is in it, beyond its title."""
    parts = header.text.split("\n\n", 1)
    return parts[1] if len(parts) > 1 else ""


def summary(site, item):
    """One line for lists: what an accessor does, else the first sentence that speaks of it."""
    of = re.search(r"\((?:const )?(\w+)", item.signature)[1]
    ends = {
        "_free": f"Frees an {of}",
        "_unref": f"Lets go of an {of}",
        "_count": "How many there are",
    }
    ends["_at"] = "One of them, by its number"
    for end, text in ends.items():
        if item.name.endswith(end):
            return text
    if item.trailing and item.group.items[0] is not item and not item.trailing.startswith("NULL"):
        return item.trailing
    same = site.headers.same_as(item)
    text = markup.first_sentence(item.text)
    return re.sub(r"^The same", f"As {same.name}", text) if same else text


def used_types(site, item):
    """Types with something to show that a signature names, and enums that those name."""
    found, left = [], [item.code]
    while left:
        for name in re.findall(r"\boph_\w+", left.pop()):
            type_ = site.headers.types.get(name)
            if type_ and type_.kind != "handle" and type_ not in found and type_ is not item:
                if type_.header == item.header:
                    found.append(type_)
                    left.append(type_.code)
    return found


def synopsis(site, where, item, anchors=()):
    code = f"#include <cophyd/{item.header}>\n\n" + item.code
    return f"<pre>{markup.code_html(code, site.code_link(where), anchors)}</pre>"


def function_page(site, ownership, item):
    where = f"functions/{item.name}.html"
    link = site.link(where)
    header = site.headers.header_of(item)
    same = site.headers.same_as(item)
    out = [f"<h1><code>{item.name}</code></h1>", synopsis(site, where, item)]
    if item.comment:
        out.append(markup.to_html(item.comment, link))
        names = [site.to(where, other.name) for other in item.group.items if other is not item]
        out += [f"<p>This is said of {', '.join(names)} too.</p>"] if names else []
    if item.trailing:
        out.append(f"<p>{markup.inline_html(item.trailing, link)}</p>")
    if same:
        out.append(f"<h2>{site.to(where, same.name)}</h2>\n" + markup.to_html(same.comment, link))
    if more_of(header):
        out.append(f"<h2>All of {html.escape('<cophyd/' + header.name + '>')}</h2>")
        out.append(markup.to_html(more_of(header), link))
    out.append(returns(site, where, ownership, item))
    types = used_types(site, item)
    if types:
        out.append("<h2>Types</h2>")
        out += [f"<pre>{markup.code_html(t.code, site.code_link(where))}</pre>" for t in types]
    out.append(see_also(site, where, item, header))
    site.write(where, item.name, "\n".join(out))


def see_also(site, where, item, header):
    rows = [
        (site.to(where, other.name), markup.inline_html(summary(site, other), site.link(where)))
        for other in header.of_kind("function", "function macro")
        if other is not item
    ]
    to = f'<a href="../headers/{header.name[:-2]}.html">&lt;cophyd/{header.name}&gt;</a>'
    return f"<h2>See also</h2>\n<p>{to}</p>\n" + (table(("function", ""), rows) if rows else "")


def returns(site, where, ownership, item):
    link, out = site.link(where), []
    if re.match(r"int .*oph_error \*err\)", item.signature):
        told = "0, or a code of `oph_code`; then err, which may be NULL, says what went wrong."
        out.append(f"<p>{markup.inline_html(told, link)}</p>")
    said = ownership.of(item)
    if said:
        out.append("<p>" + " ".join(markup.inline_html(text, link) for text in said) + "</p>")
    codes = errors(site, [item])
    if codes:
        rows = [(site.to(where, code), html.escape(meaning)) for code, meaning in codes]
        out.append(table(("code", "in general"), rows))
    return "<h2>Returns</h2>\n" + "\n".join(out) if out else ""


def type_page(site, item):
    where = f"types/{item.name}.html"
    link = site.link(where)
    anchors = site.headers.enumerators(item)
    out = [f"<h1><code>{item.name}</code></h1>"]
    for one in filter(None, (item, item.twin)):
        out.append(synopsis(site, where, one, anchors))
        out += [markup.to_html(text, link) for text in (one.comment, one.trailing) if text]
    others = [*site.headers.functions.values(), *site.headers.types.values()]
    rows = []
    for user in others:
        if user is not item and re.search(rf"\b{item.name}\b", user.code):
            told = summary(site, user) if user.kind == "function" else user.kind
            rows.append((site.to(where, user.name), markup.inline_html(told, link)))
    if rows:
        out.append("<h2>Used by</h2>\n" + table(("name", ""), rows))
    site.write(where, item.name, "\n".join(out))


def header_page(site, header):
    """The header in its own order."""
    where = f"headers/{header.name[:-2]}.html"
    link = site.link(where)
    out = [f"<h1>&lt;cophyd/{header.name}&gt;</h1>", markup.to_html(header.text, link)]
    for group in header.groups:
        if group.comment:
            out.append(markup.to_html(group.comment, link))
        if group.items:
            code = "\n".join(
                i.code + (f" /* {i.trailing} */" if i.trailing else "") for i in group.items
            )
            anchors = [item.name for item in group.items if item.kind == "macro"]
            out.append(f"<pre>{markup.code_html(code, site.code_link(where), anchors)}</pre>")
    site.write(where, header.name, "\n".join(out))


def write(site):
    ownership = Ownership(site.headers)
    for item in site.headers.functions.values():
        function_page(site, ownership, item)
    for item in site.headers.types.values():
        type_page(site, item)
    for header in site.headers.headers:
        header_page(site, header)
    where = "functions.html"
    rows = []
    for name in sorted(site.headers.functions):
        item = site.headers.functions[name]
        to = f'<a href="headers/{item.header[:-2]}.html">{item.header}</a>'
        told = markup.inline_html(summary(site, item), site.link(where))
        rows.append((site.to(where, name), to, told))
    body = "<h1>Functions</h1>\n" + table(("function", "header", ""), rows)
    site.write(where, "cophyd: functions", body)
