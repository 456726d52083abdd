"""Markdown as HTML: cmark-gfm reads it as a forge does, Pygments colours the code. Links keep their
place in the tree: docs/data.md is docs/data.html, core/tape.h is core/tape.h.html in the reference.
"""
import html
import pathlib
import posixpath
import re
import subprocess

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

COPIED = {".svg", ".png", ".jpg"}
PRE = '<pre class="scroll" tabindex="0"><code>{}</code></pre>'
TAG = re.compile("<[^>]*>")


def text_of(markup):
    """The words of HTML, without its tags."""
    return " ".join(html.unescape(TAG.sub("", markup)).split())


def slug(title, taken):
    """The anchor that a forge gives to a heading; `taken` are those before it on the page."""
    name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    number = taken[name] = taken.get(name, -1) + 1
    return f"{name}-{number}" if number else name


def coloured(code, lexer):
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


def code_block(match):
    try:
        lexer = get_lexer_by_name(match.group(1) or "text", stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    return PRE.format(coloured(html.unescape(match.group(2)), lexer))


def target_page(path):
    """Where the page of a file of the tree lies in the site."""
    if path.endswith(".md"):
        return path[:-3] + ".html"
    return path if pathlib.PurePosixPath(path).suffix in COPIED else path + ".html"


def page_of_link(link, path, root):
    """What `link` in the file `path` is on the site, and the file or folder it leads to, if any."""
    if re.match("[a-z]+:", link) or link.startswith("#"):
        return link, None
    place, _, anchor = link.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), place))
    page = file + "/index.html" if (root / file).is_dir() else target_page(file)
    return posixpath.relpath(page, posixpath.dirname(path)) + (anchor and "#" + anchor), file


class Document:
    """A Markdown file: its title, its HTML, its sections for the search, and the files it links to.

    `symbols` has the pages of names of the library: code that is such a name becomes a link.
    """

    def __init__(self, root, path, symbols):
        self.root, self.path, self.symbols = root, path, symbols
        self.page = target_page(path)
        self.language = "zh-CN" if path.endswith(".zh-CN.md") else "en"
        self.files, self.headings, self.taken = set(), [], {}
        command = ["cmark-gfm", "--unsafe", "-e", "table", "-e", "strikethrough", root / path]
        body = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        body = re.sub(r"<h([1-6])>(.*?)</h\1>", self.heading, body)
        body = re.sub('(<(?:a|img)[^>]* (?:href|src)=")([^"]*)"', self.link, body)
        parts = re.split("(<pre.*?</pre>|<a .*?</a>|<h[1-6].*?</h[1-6]>)", body, flags=re.DOTALL)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub("<code>([^<]+)</code>", self.code, parts[i])
        body = re.sub('<pre><code(?: class="language-([^"]*)")?>(.*?)</code></pre>', code_block,
                      "".join(parts), flags=re.DOTALL)
        self.body = body.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace(
            "</table>", "</table></div>")
        self.title = text_of(self.headings[0][2]) if self.headings else path

    def heading(self, match):
        level, title = match.groups()
        anchor = slug(text_of(title), self.taken)
        self.headings.append((int(level), anchor, title))
        return f'<h{level} id="{anchor}">{title}</h{level}>'

    def link(self, match):
        link, file = page_of_link(html.unescape(match.group(2)), self.path, self.root)
        if file:
            self.files.add(file)
        return f'{match.group(1)}{html.escape(link)}"'

    def code(self, match):
        name = html.unescape(match.group(1)).removeprefix("gradus::").removesuffix("()")
        url = self.symbols.get(name)
        if not url or not re.search("[A-Z:_]", name):
            return match.group()
        url = posixpath.relpath(url, posixpath.dirname(self.page))
        return f'<a class="symbol" href="{html.escape(url)}">{match.group()}</a>'

    def entries(self):
        """For each section its title, address and words."""
        pieces = re.split('<h[1-6] id="([^"]*)">(.*?)</h[1-6]>', self.body)
        for anchor, title, body in zip(pieces[1::3], pieces[2::3], pieces[3::3]):
            yield text_of(title), f"{self.page}#{anchor}", text_of(body)


def source_page(root, path):
    """A file that a document links to, coloured; or the list of a folder."""
    if (root / path).is_dir():
        names = sorted(p.name + ("/" if p.is_dir() else "") for p in (root / path).iterdir())
        return "<ul>" + "".join(f"<li><code>{html.escape(n)}</code></li>" for n in names) + "</ul>"
    text = (root / path).read_text(encoding="utf-8")
    try:
        lexer = get_lexer_for_filename("a.cpp" if path.endswith(".h") else path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    return PRE.format(coloured(text, lexer))
