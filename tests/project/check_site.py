#!/usr/bin/env python3
"""Every link of the pages in a folder leads to a file of the folder, and to an anchor that it has;
no id occurs twice on a page.

    check_site.py FOLDER
"""
import os
import pathlib
import re
import sys
import urllib.parse
from html.parser import HTMLParser


class Page(HTMLParser):
    """The ids and links of a page."""

    def __init__(self, file):
        super().__init__()
        self.ids, self.links, self.twice = set(), set(), set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                (self.twice if value in self.ids else self.ids).add(value)
            elif name in ("href", "src") and value and tag != "base":
                self.links.add(value)


def problems(folder):
    folder = folder.resolve()
    pages = {file.resolve(): Page(file) for file in folder.rglob("*.html")}
    if not pages:
        yield f"no page in {folder}"
    missing = {}
    for file, page in sorted(pages.items()):
        name = file.relative_to(folder)
        for twice in sorted(page.twice):
            yield f"{name}: the id {twice} occurs twice"
        for link in sorted(page.links):
            if re.match("[a-z]+:", link):
                continue
            place, _, anchor = link.partition("#")
            target = (file.parent / urllib.parse.unquote(place)).resolve() if place else file
            if not target.is_file() or not target.is_relative_to(folder):
                missing.setdefault(target, []).append(name)
                continue
            anchor = urllib.parse.unquote(anchor)
            if anchor and target in pages and anchor not in pages[target].ids:
                yield f"{name}: {link}: there is no such anchor"
    for target, names in sorted(missing.items()):
        yield f"{os.path.relpath(target, folder)} is not there; {names[0]} links to it" + (
            f", and {len(names) - 1} more" if len(names) > 1 else "")


if __name__ == "__main__":
    if not pathlib.Path(sys.argv[1]).is_dir():
        print(f"skipped: there is no site in {sys.argv[1]}")
        sys.exit(77)
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every link leads somewhere")
    sys.exit(1 if found else 0)
