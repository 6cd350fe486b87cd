"""Where a built file is: the bundles carry a hash in their names, ``manifest.json`` knows which.

``assets/build.mjs`` writes both into ``portal/static/portal``; they are committed.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.templatetags.static import static

FOLDER = Path(__file__).resolve().parent.parent / "static" / "portal"


class UnknownAsset(LookupError):
    """A name that the manifest doesn't have: misspelt, or the bundles were not built after a change."""


@lru_cache(maxsize=4)
def _read(changed: int) -> dict[str, str]:
    del changed  # only there to read again after a build
    names: dict[str, str] = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return names


def manifest() -> dict[str, str]:
    """Plain name to hashed file name, e.g. ``portal.css`` to ``portal-66S75YEY.css``."""
    return _read((FOLDER / "manifest.json").stat().st_mtime_ns)


def asset_url(name: str) -> str:
    """The address of a built file by its plain name; raises UnknownAsset for a name that was not built."""
    names = manifest()
    if name not in names:
        raise UnknownAsset(
            f"{name!r} is not among the built assets: {', '.join(names)}. Run `npm run build` in assets/."
        )
    return static(f"portal/{names[name]}")
