#!/usr/bin/env python3
"""The web site of the project: its documents, the texts of the course and the reference of the
public headers, with a search that needs no server.

    build.py ROOT OUTPUT --version X.Y.Z [--report NAME=FOLDER]...

A report is a folder with the page report.html, which the site shows in reports/NAME, with the files
that it links to. Exit code 77 says that Doxygen or cmark-gfm is not installed.
"""
import argparse
import html
import json
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile

from documents import Document, source_page, target_page
from reference import Reference

HERE = pathlib.Path(__file__).parent
REPORTS = {"norm-lab": "Report of the lab", "run": "Report of a run"}


class Site:
    def __init__(self, arguments, xml):
        self.root, self.output, self.version = arguments.root, arguments.output, arguments.version
        self.reports = dict(report.split("=", 1) for report in arguments.report)
        self.template = (HERE / "page.html").read_text(encoding="utf-8")
        self.reference = Reference(self.root, xml)
        paths = [*self.root.glob("*.md"), *self.root.glob("docs/*.md"),
                 *self.root.glob("examples/course/README*.md"),
                 *self.root.glob("examples/course/*/README*.md")]
        self.documents = {}
        for path in sorted(paths):
            name = path.relative_to(self.root).as_posix()
            self.documents[name] = Document(self.root, name, self.reference.symbols)
        self.menu = self.read_menu()
        self.index = []

    def read_menu(self):
        """Groups of pages, as docs/README.md lists them: (title, [(words, page)])."""
        parts = re.split("<p><strong>(.*?)</strong>", self.documents["docs/README.md"].body)
        course = [(d.title, d.page) for n, d in self.documents.items()
                  if re.fullmatch("examples/course/(.*/)?README.md", n)]
        course.insert(0, course.pop())  # the course itself, then its chapters
        groups = [("To learn", course)]
        for title, body in zip(parts[1::2], parts[2::2]):
            links = re.findall('<li><a href="([^":]*\\.html)">(.*?)</a>', body)
            pages = [(words, posixpath.normpath("docs/" + link)) for link, words in links
                     if not link.startswith("../") or link.count("/") == 1]
            if pages:
                groups.append((title, pages))
        groups.append(("Reference", [("Every public header", "reference.html")]))
        chinese = [(d.title, d.page) for d in self.documents.values() if d.language != "en"]
        if chinese:
            groups.append(("中文", chinese))
        reports = [(REPORTS.get(n, n), f"reports/{n}/report.html") for n in self.reports]
        if reports:
            groups.append(("Reports of programs", reports))
        return groups

    def side(self, page, headings):
        """The menu, with the headings of the page that is shown."""
        up = posixpath.dirname(page)
        parts = []
        for title, pages in self.menu:
            parts.append(f'<div class="group"><h2>{title}</h2><ul>')
            for words, target in pages:
                here = target == page or (page.endswith(".h.html") and target == "reference.html")
                mark = ' aria-current="page"' if here else ""
                mark += ' lang="zh-CN"' if target.endswith(".zh-CN.html") else ""
                parts.append(f'<li><a href="{posixpath.relpath(target, up)}"{mark}>{words}</a>')
                if target == page:
                    items = "".join(f'<li><a href="#{anchor}">{heading}</a></li>'
                                    for level, anchor, heading in headings if level == 2)
                    parts.append(items and f"<ul>{items}</ul>")
                parts.append("</li>")
            parts.append("</ul></div>")
        return re.sub("</?code>", "", "".join(parts))

    def languages(self, page):
        """A link to the same page in the other language."""
        chinese = page.endswith(".zh-CN.html")
        other = page.replace(".zh-CN.html", ".html") if chinese else page[:-5] + ".zh-CN.html"
        if page == "index.html":
            other = "README.zh-CN.html"
        if not any(document.page == other for document in self.documents.values()):
            return ""
        words, code = ("English", "en") if chinese else ("中文", "zh-CN")
        link = posixpath.relpath(other, posixpath.dirname(page))
        return f'<a href="{link}" lang="{code}" hreflang="{code}">{words}</a>'

    def write(self, page, title, body, language="en", headings=(), kind="document"):
        up = posixpath.relpath(".", posixpath.dirname(page))
        values = {"root": up, "title": html.escape(title), "body": body, "language": language,
                  "kind": kind, "menu": self.side(page, headings), "version": self.version,
                  "languages": self.languages(page)}
        text = re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], self.template)
        file = self.output / page
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def write_documents(self):
        files = {"core/ops.h"}  # declares nothing by itself
        for document in self.documents.values():
            files |= document.files
            self.write(document.page, document.title, document.body, document.language,
                       document.headings)
            for title, url, words in document.entries():
                where = "" if title == document.title else document.title
                self.index.append([title, where, url, words[:3000]])
        files -= {name for name in files if name in self.documents or name in self.reference.pages}
        for name in sorted(files):
            source = self.root / name
            if not source.exists() or not source.resolve().is_relative_to(self.root.resolve()):
                continue  # tests/project/check_site.py tells
            if target_page(name) == name:
                self.copy(source, name)
            else:
                page = name + "/index.html" if source.is_dir() else target_page(name)
                body = f"<h1>{name}</h1>" + source_page(self.root, name)
                self.write(page, name, body, kind="source")

    def write_reference(self):
        for header in self.reference.pages:
            self.write(header + ".html", header, self.reference.page(header), kind="reference")
        self.write("reference.html", "Reference", self.reference.index(), kind="reference")
        for name, url, words in self.reference.entries():
            self.index.append([name, url.partition(".html#")[0], url, words])

    def write_start(self):
        """The first page: what README.md says, arranged for a wide screen and a phone."""
        readme = self.documents["README.md"].body
        parts = {
            "intro": next(words for words in re.findall("<p>(.*?)</p>", readme, re.DOTALL)
                          if ".zh-CN." not in words),
            "points": re.search("<ul>.*?</ul>", readme, re.DOTALL).group(),
            "picture": re.search("<img[^>]*>", readme).group(),
            "commands": re.findall("<pre.*?</pre>", readme, re.DOTALL)[0],
            "program": re.findall("<pre.*?</pre>", readme, re.DOTALL)[1],
            "reports": "".join(f'<a href="reports/{name}/report.html">{REPORTS.get(name, name)}</a>'
                               for name in self.reports)}
        start = (HERE / "start.html").read_text(encoding="utf-8")
        body = re.sub(r"\{(\w+)\}", lambda match: parts[match.group(1)], start)
        self.write("index.html", "Gradus", body, kind="start")

    def copy(self, source, name):
        (self.output / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, self.output / name)

    def build(self):
        if self.output.exists():
            shutil.rmtree(self.output)
        self.write_documents()
        self.write_reference()
        self.write_start()
        for name in ("site.css", "search.js"):
            self.copy(HERE / name, name)
        for name, folder in self.reports.items():
            report = pathlib.Path(folder) / "report.html"
            links = re.findall('href="([^":#]+)"', report.read_text(encoding="utf-8"))
            for file in {"report.html", *links}:
                self.copy(report.parent / file, f"reports/{name}/{file}")
        entries = json.dumps(self.index, ensure_ascii=False, separators=(",", ":"))
        index = self.output / "search-index.js"
        index.write_text(f"searchIndex = {entries};\n", encoding="utf-8")
        print(f"{len(self.documents)} documents, {len(self.reference.pages)} headers, "
              f"{len(self.index)} entries of the search: {self.output}/index.html")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--report", action="append", default=[])
    arguments = parser.parse_args()
    for tool in ("doxygen", "cmark-gfm"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed (Debian: apt-get install {tool})")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["doxygen", "-"], check=True, cwd=arguments.root, encoding="utf-8",
                       input=f"@INCLUDE = docs/Doxyfile\nOUTPUT_DIRECTORY = {folder}\n")
        Site(arguments, folder + "/xml").build()


if __name__ == "__main__":
    main()
