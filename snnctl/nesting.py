"""Nests and long keys of TOML text, found in one pass before it is parsed: the parser takes too long over them."""

from __future__ import annotations

import re

MAX_NESTING = 32  # brackets and dotted keys; real files use at most 5
MAX_KEY_CHARS = 200  # of a bare key, dots included: tomllib is quadratic in the length of a dotted key

_NUMBER = re.compile(r"[+-]?[\w.+-]*\d[\w.+-]*")  # or a date, if it is long: the parser names the mistake
# Strings and comments; brackets; ends of keys; bare words. Each matches to the end of the text if it must: one that is
# never closed would be looked for again from every place in it.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\\?\Z)'
    r"|\'\'\'.*?(?:\'\'\'|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*|[\[{]|[\]}]|[=,\n]|[^\s\"'#\[\]{}=,]+",
    re.DOTALL,
)


def too_deep(text: str) -> int | None:
    """The line of a key or a nest of brackets that would choke the parser; None if there is none."""
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word[0] in "[{":
            depth, dots = depth + 1, 0
        elif word[0] in "]}":
            depth, dots = max(depth - 1, 0), 0
        elif word in ("=", ",", "\n"):
            dots = 0
        elif word[0] not in "\"'#":
            dots += word.count(".")
        else:
            continue
        is_key = len(word) > MAX_KEY_CHARS and not _NUMBER.fullmatch(word)
        if depth > MAX_NESTING or dots > MAX_NESTING or is_key:
            return text.count("\n", 0, token.start()) + 1
    return None
