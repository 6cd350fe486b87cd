"""Texts of strangers: plain or Markdown, never HTML."""

from __future__ import annotations

import html
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MARKUP = re.compile(r"<!--|<!\[CDATA\[|<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>])[^<>]*>")
_BLOCK_NAMES = """
    address article aside blockquote br dd div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre
    section table td th tr ul"""
_INLINE_NAMES = """
    a abbr acronym area audio b base bdi bdo big body button canvas caption center cite code col data datalist del
    details dfn dialog dir em embed fieldset figcaption font frame frameset head html i iframe img input ins kbd label
    legend link map mark math menu meta meter noscript object optgroup option output param picture progress q s samp
    select slot small source span strike strong sub summary sup svg tbody template textarea tfoot thead time title track
    tt u var video wbr"""
_BLOCKS, _INLINE = frozenset(_BLOCK_NAMES.split()), frozenset(_INLINE_NAMES.split())
_SILENT = frozenset({"script", "style"})
MOST = 200_000
"""No text of a record is longer (in characters)."""
_ROUNDS = 20


def plain(text: str) -> str:
    """The text without HTML and without control characters: what a reader would see. Text without HTML stays as it is,
    but for blanks around it; `List<int>` is no HTML. In time linear in the text; more than MOST characters are cut."""
    text = _CONTROL.sub("", text[:MOST])
    for _round in range(_ROUNDS):
        bare, found = _without_markup(text)
        if not found:
            return text.strip()
        # What was escaped once may be markup once it is unescaped: until nothing is found.
        text = _CONTROL.sub("", re.sub(r"\n{3,}", "\n\n", html.unescape(bare)))
    return text.replace("<", "").strip()


def name(text: str) -> str:
    """The same of a name, of which something must be left: one that is nothing but markup is shown as its letters."""
    return plain(text) or re.sub(r"[<>]", "", _CONTROL.sub("", text[:MOST])).strip()


def in_xml(text: str) -> str:
    """The text as XML 1.0 can hold it and gives it back: what is no character there is replaced, line ends are one."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", re.sub(r"\r\n?", "\n", text))


def _without_markup(text: str) -> tuple[str, bool]:
    kept: list[str] = []
    at, found = 0, False
    while match := _MARKUP.search(text, at):
        name = (match[2] or "").lower()
        if name and name not in _BLOCKS and name not in _INLINE and name not in _SILENT:
            kept.append(text[at : match.end()])
            at = match.end()
            continue
        found = True
        kept.append(text[at : match.start()])
        at = match.end()
        if not name:
            at = _after(text, "-->" if match[0] == "<!--" else "]]>", at)
        elif name in _SILENT and not match[1]:
            at = _after(text, f"</{name}", at)
            at = _after(text, ">", at)
        elif name in _BLOCKS:
            kept.append("\n")
    return "".join(kept) + text[at:], found


def _after(text: str, end: str, at: int) -> int:
    where = text.lower().find(end, at) if end.startswith("</") else text.find(end, at)
    return len(text) if where < 0 else where + len(end)
