"""The index: a folder that one process writes and any number read. Knows documents, no database.

Tantivy (https://github.com/quickwit-oss/tantivy) keeps it. What a commit holds is there whole or not at all, whenever
the process is killed; how far the index has come (the watermark) is a document of its own and so part of the commit.
The folder is named by all that decides what a token is: an index of another version is not read, and made anew beside
it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tantivy

from fabriek.catalogue.search import terms
from fabriek.catalogue.search.documents import FACETS, Document

LAYOUT = 1
"""Raise it when documents.py, words.py or the fields here make other tokens than before."""
HEAP = 64_000_000
_WATERMARK = "watermark"
# Fields with one token a value, and with words: what each keeps of them.
_RAW = {"key": "basic", "stamp": "basic", "concepts": "freq", "heard": "freq"}
_WORDS = {"title": "position", "tags": "freq", "summary": "freq", "text": "freq", "spelling": "basic", "parts": "basic"}


class Busy(Exception):
    """Another process, or thread, is writing the index."""


class Broken(Exception):
    """The folder holds no index that can be read."""


def layout() -> str:
    """Names this version of the index: other code, terms, stemmers or engine make another one."""
    said = [str(LAYOUT), terms.digest(), version("snowballstemmer"), version("tantivy")]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name, kept in _RAW.items():
        builder.add_text_field(name, stored=name == "key", tokenizer_name="raw", index_option=kept)
    for name, kept in _WORDS.items():
        builder.add_text_field(name, stored=name == "spelling", tokenizer_name="spaces", index_option=kept)
    for name in FACETS:
        builder.add_text_field(f"facet_{name}", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("published", indexed=True, fast=True)
    builder.add_text_field(_WATERMARK, stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


class Index:
    """One process's hold on the index. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Open the index of this version under `folder`, or begin it. Errors: Broken, OSError."""
        self.folder = folder / layout()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.schema = _schema()
        try:
            self._index = tantivy.Index(self.schema, path=str(self.folder))
        except ValueError as error:
            raise Broken(str(error)) from error
        spaces = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("spaces", spaces)
        # Looked at by us, before each search, instead of by a thread that a fork of the server would not have.
        self._index.config_reader(reload_policy="manual")
        self._seen: tuple[int, int] | None = None

    def searcher(self) -> tantivy.Searcher:
        """The newest commit, whoever made it."""
        told = (self.folder / "meta.json").stat()
        seen = (told.st_mtime_ns, told.st_ino)
        if seen != self._seen:
            try:
                self._index.reload()
            except ValueError as error:
                raise Broken(str(error)) from error
            self._seen = seen
        return self._index.searcher()

    def watermark(self) -> str:
        """How far the index has come, as `write` was told; empty: it's not whole yet."""
        searcher = self.searcher()
        found = searcher.search(tantivy.Query.term_query(self.schema, "key", _WATERMARK), limit=1).hits
        return str(searcher.doc(found[0][1]).get_first(_WATERMARK) or "") if found else ""

    def stamps(self) -> dict[str, str]:
        """The stamp of each document, by its key."""
        told = self.searcher().terms_with_prefix("stamp", "", tantivy.Query.all_query())
        return dict(one.split(" ", 1) for one, _count in told)

    def holds(self, key: str, stamp: str | None) -> bool:
        """Whether the document of this key is there with this stamp; None: whether none of this key is there."""
        said = ("key", key) if stamp is None else ("stamp", f"{key} {stamp}")
        found = self.searcher().search(tantivy.Query.term_query(self.schema, *said), limit=1).hits
        return bool(found) == (stamp is not None)

    @contextmanager
    def writing(self, threads: int = 1) -> Iterator[Writer]:
        """A commit: all of it, or nothing where the block ends with an error. Errors: Busy."""
        try:
            writer = self._index.writer(HEAP, threads)
        except ValueError as error:
            if "lock" in str(error).lower():
                raise Busy from error
            raise Broken(str(error)) from error
        try:
            yield Writer(writer)
            _commit(writer)
        except BaseException:
            # Where the folder is gone there is nothing to go back to.
            with suppress(ValueError, OSError):
                writer.rollback()
            raise
        finally:
            # Ends the writer, and with it its lock: whoever still holds a traceback doesn't hold that too.
            writer.wait_merging_threads()

    def clear_others(self) -> None:
        """Remove indexes of other versions. Who still reads one keeps what it has open."""
        for other in self.folder.parent.iterdir():
            if other.is_dir() and other != self.folder:
                shutil.rmtree(other, ignore_errors=True)


def _commit(writer: tantivy.IndexWriter) -> None:
    """Errors: Broken, where the folder was taken away meanwhile."""
    try:
        writer.commit()
    except (ValueError, OSError) as error:
        raise Broken(str(error)) from error


class Writer:
    """What is written in one commit."""

    def __init__(self, writer: tantivy.IndexWriter) -> None:
        self._writer = writer

    def put(self, documents: Iterable[Document]) -> int:
        """Add documents, each in the place of the one that has its key. How many."""
        count = 0
        for document in documents:
            self._writer.delete_documents_by_term("key", document.key)
            self._writer.add_document(_as_tantivy(document))
            count += 1
        return count

    def remove(self, keys: Iterable[str]) -> int:
        """Take these out. How many were named."""
        count = 0
        for key in keys:
            self._writer.delete_documents_by_term("key", key)
            count += 1
        return count

    def clear(self) -> None:
        """Take out all."""
        self._writer.delete_all_documents()

    def mark(self, watermark: str) -> None:
        """From this commit on the index has come so far."""
        self._writer.delete_documents_by_term("key", _WATERMARK)
        said = tantivy.Document()
        said.add_text("key", _WATERMARK)
        said.add_text(_WATERMARK, watermark)
        self._writer.add_document(said)


def _as_tantivy(document: Document) -> tantivy.Document:
    said: dict[str, Any] = {
        name: getattr(document, name) for name in (*_WORDS, "key", "published", "concepts", "heard")
    }
    said["stamp"] = f"{document.key} {document.stamp}"
    said |= {f"facet_{name}": values for name, values in document.facets.items()}
    made = tantivy.Document()
    for name, values in said.items():
        for value in values if isinstance(values, list) else [values]:
            (made.add_unsigned if name == "published" else made.add_text)(name, value)
    return made
