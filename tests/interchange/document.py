"""What documents show in Python, for tests that run it."""

import pathlib
import re


def functions_of(document):
    """What the block of Python in docs/from-pytorch.md defines that has functions."""
    text = pathlib.Path(document).read_text()
    (code,) = re.findall(r"\n```python\n(import [^`]*def [^`]*)\n```\n", text)
    names = {}
    exec(code, names)
    return names["save"], names["load"]
