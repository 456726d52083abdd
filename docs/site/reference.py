"""The reference: Doxygen's XML as one page for each public header, in the order of the header."""
import html
import pathlib
import posixpath
import re
import xml.etree.ElementTree as ElementTree

from documents import PRE, text_of

PLAIN = {"para": "p", "computeroutput": "code", "bold": "b", "emphasis": "em", "itemizedlist": "ul",
         "orderedlist": "ol", "listitem": "li", "row": "tr", "verbatim": "pre", "codeline": "",
         "highlight": "", "programlisting": "pre", "parameterdescription": "", "sect1": ""}
# Keywords outside of tags.
KEYWORDS = re.compile(r"<[^>]*>|\b(const|constexpr|static|virtual|explicit|template|class|struct|"
                      r"enum|using|typename|noexcept|override|operator|auto|void|bool|double|"
                      r"float|int)\b")


class Entry:
    """A type, function, variable or alias: where it stands, and its XML."""

    def __init__(self, node, name, location):
        self.node, self.name = node, name
        self.short = name.removeprefix("gradus::")
        self.kind = node.get("kind")
        self.header = location.get("file") if location is not None else ""
        self.line = int(location.get("line", 0)) if location is not None else 0
        self.members = []
        self.anchor = ""


def child_text(node, tag):
    child = node.find(tag)
    return "" if child is None else "".join(child.itertext())


class Reference:
    """All public headers. `pages` maps them to their entries, `symbols` names to addresses."""

    def __init__(self, root, folder):
        self.root, self.pages, self.symbols, self.urls, self.taken = root, {}, {}, {}, {}
        for file in sorted(pathlib.Path(folder).glob("*.xml")):
            if not file.name.startswith(("class", "struct", "namespace", "concept")):
                continue
            for compound in ElementTree.parse(file).getroot().iter("compounddef"):
                self.read(compound)
        for entries in self.pages.values():
            entries.sort(key=lambda entry: entry.line)
        for header, entries in sorted(self.pages.items()):
            for entry in entries:
                self.place(entry, header)
                for member in entry.members:
                    self.place(member, header)

    def read(self, compound):
        name = compound.findtext("compoundname")
        members = [Entry(node, node.findtext("qualifiedname") or node.findtext("name"),
                         node.find("location")) for node in compound.iter("memberdef")]
        members = [m for m in members if m.kind != "friend" and m.node.get("prot") != "private"
                   and "=delete" not in child_text(m.node, "argsstring").replace(" ", "")]
        if compound.get("kind") == "namespace":
            for member in members:
                self.pages.setdefault(member.header, []).append(member)
            return
        if compound.get("prot") == "private":
            return
        entry = Entry(compound, name, compound.find("location"))
        entry.members = sorted(members, key=lambda member: member.line)
        self.pages.setdefault(entry.header, []).append(entry)

    def place(self, entry, header):
        """Gives the entry its anchor; overloads count."""
        anchor = re.sub("[^A-Za-z0-9_.~-]", "-", entry.short.replace("::", "."))
        key = header, anchor
        number = self.taken[key] = self.taken.get(key, 0) + 1
        entry.anchor = anchor if number == 1 else f"{anchor}-{number}"
        url = f"{header}.html#{entry.anchor}"
        self.urls[entry.node.get("id")] = url
        self.symbols.setdefault(entry.short, url)

    def code(self, node, page):
        """A type or value as HTML, spaced as in the headers."""
        text = self.prose(node, page, words=False)
        text = re.sub("(?<=&lt;) | +(?=&gt;)", "", text)
        text = re.sub(r" ((?:&amp;|\*)+)(?=\w)", r"\1 ", text)
        return re.sub(r" ((?:&amp;|\*)+)(?=\W|$)", r"\1", text).rstrip()

    def prose(self, node, page, words=True):
        """A description as HTML; its `words` are not all names."""
        if node is None:
            return ""
        inner = html.escape(node.text or "", quote=False)
        for child in node:
            inner += self.prose(child, page, words) + html.escape(child.tail or "", quote=False)
        tag = node.tag
        if tag == "sp":
            return " "
        if tag == "ref":
            url = self.urls.get(node.get("refid"))
            # In prose, Doxygen takes every Name for the type of that name.
            if not url or (words and not re.search("[a-z][A-Z]|[:_(]", inner)):
                return inner
            return f'<a href="{posixpath.relpath(url, posixpath.dirname(page))}">{inner}</a>'
        if tag == "ulink":
            return f'<a href="{html.escape(node.get("url"))}">{inner}</a>'
        if tag == "entry":
            cell = "th" if node.get("thead") == "yes" else "td"
            return f"<{cell}>{inner}</{cell}>"
        if tag == "table":
            return f'<div class="scroll" tabindex="0"><table>{inner}</table></div>'
        if tag == "codeline":
            return inner + "\n"
        name = PLAIN.get(tag, "")
        return f"<{name}>{inner}</{name}>" if name else inner

    def description(self, node, page):
        text = self.prose(node.find("briefdescription"), page)
        return (text + self.prose(node.find("detaileddescription"), page)).strip()

    def brief(self, entry):
        return text_of(self.prose(entry.node.find("briefdescription"), ""))

    def template(self, node, page):
        parameters = node.find("templateparamlist")
        if parameters is None:
            return ""
        texts = []
        for parameter in parameters:
            text = self.code(parameter.find("type"), page)
            for tag, mark in (("declname", " "), ("defval", " = ")):
                if parameter.find(tag) is not None and child_text(parameter, tag) not in text:
                    text += mark + self.code(parameter.find(tag), page)
            texts.append(text)
        return f"template <{', '.join(texts)}>\n".replace("<", "&lt;", 1).replace(">\n", "&gt;\n")

    def signature(self, entry, page):
        """The declaration, with links."""
        node, name = entry.node, html.escape(entry.short.split("::")[-1])
        if entry.kind in ("class", "struct", "concept"):
            bases = ", ".join(self.code(base, page) for base in node.findall("basecompoundref"))
            start = f"{self.template(node, page)}{entry.kind} <b>{html.escape(entry.short)}</b>"
            return start + (bases and f" : {bases}")
        if entry.kind == "enum":
            values = ", ".join(child_text(v, "name") for v in node.findall("enumvalue"))
            return f"enum class <b>{name}</b> {{ {html.escape(values)} }}"
        kind = self.code(node.find("type"), page)
        start = self.template(node, page)
        if entry.kind == "typedef":
            kind += html.escape(child_text(node, "argsstring"))
            return f"{start}using <b>{name}</b> = {kind}"
        if node.get("static") == "yes" and "static" not in kind:
            start += "static "
        if entry.kind == "variable":
            name = f"<b>{name}</b>{html.escape(child_text(node, 'argsstring'))}"
            return f"{start}{kind} {name} {self.code(node.find('initializer'), page)}".rstrip()
        parameters = []
        for parameter in node.findall("param"):
            text = self.code(parameter.find("type"), page)
            words = child_text(parameter, "declname")
            text += (" " + html.escape(words)) if words else ""
            text += html.escape(child_text(parameter, "array"))
            if parameter.find("defval") is not None:
                text += " = " + self.code(parameter.find("defval"), page)
            parameters.append(text)
        width = len(text_of(f"{kind} {name} {', '.join(parameters)}"))
        opening, comma = ("(\n    ", ",\n    ") if width > 88 else ("(", ", ")
        end = html.escape(child_text(node, "argsstring").rsplit(")", 1)[-1])
        return f"{start}{kind} <b>{name}</b>{opening}{comma.join(parameters)}){end}".strip()

    def block(self, entries, page, level):
        """Neighbours that share a comment, under one description."""
        signatures = "".join(
            f'<pre class="signature" id="{entry.anchor}">'
            f"{KEYWORDS.sub(self.mark, self.signature(entry, page))}</pre>" for entry in entries)
        values = "".join(
            f"<dt><code>{child_text(v, 'name')}</code></dt><dd>{self.description(v, page)}</dd>"
            for v in entries[0].node.findall("enumvalue") if self.description(v, page))
        values = values and f"<dl>{values}</dl>"
        kind = "type" if entries[0].members and level == 0 else "part"
        return (f'<section class="entry {kind}">{signatures}<div class="text">'
                f"{self.description(entries[0].node, page)}{values}</div></section>")

    @staticmethod
    def mark(match):
        return f'<span class="k">{match.group()}</span>' if match.group(1) else match.group()

    def blocks(self, entries, page, level):
        groups = []
        for entry in entries:
            same = groups and not entry.members and not groups[-1][0].members and (
                self.description(entry.node, page) == self.description(groups[-1][0].node, page))
            groups[-1].append(entry) if same else groups.append([entry])
        for group in groups:
            yield self.block(group, page, level)
            members = group[0].members
            if members:
                inner = "".join(self.blocks(members, page, level + 1))
                yield f'<div class="members">{inner}</div>'

    def summary(self, header):
        """The first sentence of the comment a header begins with."""
        comment = []
        for line in (self.root / header).read_text(encoding="utf-8").splitlines():
            if not line.startswith("// ") or line.startswith("//  "):
                break
            comment.append(line.lstrip("/ "))
        return re.split(r"(?<=\.) (?=[A-Z])", " ".join(comment))[0]

    def page(self, header):
        page = header + ".html"
        types = [e for e in self.pages[header] if e.kind in ("class", "struct", "enum")]
        jump = " · ".join(f'<a href="#{e.anchor}">{html.escape(e.short)}</a>' for e in types)
        return (f"<h1>{header}</h1><p>{html.escape(self.summary(header))}</p>"
                + PRE.format(f"#include &lt;gradus/{header}&gt;")
                + (f'<p class="jump">{jump}</p>' if len(types) > 1 else "")
                + "".join(self.blocks(self.pages[header], page, 0)))

    def index(self):
        """The list of headers, by folder."""
        folders = {}
        for header in self.pages:
            folders.setdefault(posixpath.dirname(header) or ".", []).append(header)
        parts = ["<h1>Reference</h1><p>What <code>#include &lt;gradus/gradus.h&gt;</code> declares,"
                 ' header by header; <a href="core/ops.h.html">what holds for every operation</a>.'
                 " The search finds names.</p>"]
        for folder in sorted(folders):
            rows = "".join(
                f'<dt><a href="{h}.html">{posixpath.basename(h)}</a></dt>'
                f"<dd>{html.escape(self.summary(h))}</dd>" for h in sorted(folders[folder]))
            anchor = folder.replace("/", "-")
            parts.append(f'<h2 id="{anchor}">{folder}</h2><dl class="headers">{rows}</dl>')
        return "".join(parts)

    def entries(self):
        for header, entries in sorted(self.pages.items()):
            for entry in entries:
                for one in [entry, *entry.members]:
                    brief = self.brief(one)
                    if brief or one is entry:
                        yield one.short, f"{header}.html#{one.anchor}", brief
