"""Markdown that somebody wrote, as HTML that is safe to show: none of their HTML, no images, no scripts."""

from __future__ import annotations

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

DEEPEST = 6


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # html=False: tags are shown as they were typed. markdown-it itself refuses javascript: and the like in links.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def prose(text: str, below: int = 2) -> SafeString:
    """The text as HTML. `below`: the level of the heading that it stands under; its own headings come after that one,
    whatever their number in the text."""
    parser = _parser()
    tokens = parser.parse(text)
    _set_headings(tokens, below)
    for token in tokens:
        for inner in token.children or []:
            if inner.type == "link_open":
                inner.attrSet("rel", "nofollow noopener ugc")
    # What is marked safe was made by the parser above, which escapes all that was written.
    return mark_safe(parser.renderer.render(tokens, parser.options, {}))  # noqa: S308


def _set_headings(tokens: list[Token], below: int) -> None:
    levels = sorted({int(token.tag[1]) for token in tokens if token.type == "heading_open"})
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(below + 1 + levels.index(int(token.tag[1])), DEEPEST)}"
