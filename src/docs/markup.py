"""The comments of headers and class texts: paragraphs, lists, code, and names that can be links."""

import html
import re

NAME = re.compile(r"`([^`]+)`|\b(oph_\w*\w|OPH_\w*\w)\b(?!\.\.\.|_?\*)")


class Blocks:
    """A text as ("p", words), ("li", words) and ("pre", lines)."""

    def __init__(self, text):
        self.parts = []
        for chunk in re.split(r"\n[ \t]*\n", text.strip("\n")):
            lines = chunk.split("\n")
            if all(line.startswith("    ") for line in lines):
                self.add_code(lines)
            else:
                self.add_words(lines)

    def add_code(self, lines):
        self.parts.append(("pre", "\n".join(line[4:] for line in lines)))

    def add_words(self, lines):
        started = False
        for line in lines:
            if line.startswith("- "):
                self.parts.append(("li", line[2:]))
            elif started and not (self.parts[-1][0] == "li" and not line.startswith("  ")):
                kind, words = self.parts[-1]
                self.parts[-1] = (kind, words + " " + line.strip())
            else:
                self.parts.append(("p", line.strip()))
            started = True


def first_sentence(text):
    """What a list of contents says; of a long one the first part."""
    words = Blocks(text).parts[0][1]
    ends = [found.start() for found in re.finditer(r"(?<!\.\.)\.(?= |$)", words)]
    words = words[: next((end for end in ends if is_closed(words[:end])), len(words))]
    for found in re.finditer(r"[;:] ", words):
        if len(words) > 90 and found.start() > 20 and is_closed(words[: found.start()]):
            return words[: found.start()]
    return words


def is_closed(words):
    return words.count('"') % 2 == 0 and words.count("(") == words.count(")")


def inline_html(words, link):
    """`link` gives the address of a name, or None."""
    out, at = [], 0
    for found in NAME.finditer(words):
        out.append(html.escape(words[at : found.start()], quote=False))
        code = html.escape(found[1] or found[2], quote=False)
        address = link(found[1] or found[2])
        out.append(f'<a href="{address}">{code}</a>' if address else f"<code>{code}</code>")
        at = found.end()
    out.append(html.escape(words[at:], quote=False))
    return "".join(out)


def to_html(text, link):
    out, in_list = [], False
    for kind, words in Blocks(text).parts:
        if in_list != (kind == "li"):
            out.append("</ul>" if in_list else "<ul>")
            in_list = not in_list
        if kind == "pre":
            out.append(f"<pre>{code_html(words, link)}</pre>")
        else:
            out.append(f"<{kind}>{inline_html(words, link)}</{kind}>")
    if in_list:
        out.append("</ul>")
    return "\n".join(out)


def code_html(code, link, anchors=()):
    """Code with its names as links; those of `anchors` are where links lead to."""

    def mark(found):
        name = found[0]
        if name in anchors:
            return f'<b id="{name}">{name}</b>'
        address = link(name)
        return f'<a href="{address}">{name}</a>' if address else name

    return re.sub(r"\b(?:oph|OPH)_\w+", mark, html.escape(code, quote=False))


def roff(words):
    """Words as roff text, which must not begin a request."""
    words = words.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + words if words[:1] in (".", "'") else words


def inline_roff(words):
    out, at = [], 0
    for found in NAME.finditer(words):
        out.append(words[at : found.start()].replace("\\", "\\e"))
        out.append(
            "\\fB" + (found[1] or found[2]).replace("\\", "\\e").replace("-", "\\-") + "\\fR"
        )
        at = found.end()
    out.append(words[at:].replace("\\", "\\e"))
    text = "".join(out)
    return "\\&" + text if text[:1] in (".", "'") else text


def wrap(text, width=79):
    """Lines for a roff source: a new one at each sentence, none that begins a request."""
    lines = []
    for sentence in re.split(r"(?<=[.:;])\s+", text):
        line = ""
        for word in sentence.split():
            if line and len(line) + len(word) >= width:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        lines.append(line)
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def to_roff(text):
    out, before = [], None
    for kind, words in Blocks(text).parts:
        if kind == "pre":
            lines = "\n".join(roff(line) for line in words.split("\n"))
            out.append(f".PP\n.nf\n.RS 4\n{lines}\n.RE\n.fi")
        elif kind == "li":
            out.append(f".IP \\(bu 2\n{wrap(inline_roff(words))}")
        else:
            out.append((".PP\n" if before else "") + wrap(inline_roff(words)))
        before = kind
    return "\n".join(out)
