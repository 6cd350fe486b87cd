"""How each kind of source is asked and understood: pure functions from a document to what it holds.

A reader says which address comes first, and reads a document into a page: what it found, what is gone, and the address
of the next page. It fetches nothing itself, so that what is fetched, and when, is decided in one place.
"""

from __future__ import annotations

from collections.abc import Mapping

from fabriek.harvest.readers import aiod, dcat, hub, oai
from fabriek.harvest.readers.page import Asked, Found, Page, Reader

READERS: Mapping[str, Reader] = {"dcat": dcat.READER, "oai-pmh": oai.READER, "aiod": aiod.READER, "hub": hub.READER}
"""By the kind of source."""

__all__ = ["READERS", "Asked", "Found", "Page", "Reader"]
