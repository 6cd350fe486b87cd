"""One licence, as many write it."""

from __future__ import annotations

import pytest

from fabriek.catalogue.standards.licences import hub_name, licence_address, licence_of, spdx_of


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("mit", "MIT"),
        ("Apache License 2.0", "Apache-2.0"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("http://spdx.org/licenses/0BSD", "0BSD"),
        ("https://spdx.org/licenses/CC-BY-4.0.html", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by-sa/3.0/legalcode", "CC-BY-SA-3.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"),
        ("https://opensource.org/license/mit", "MIT"),
        ("https://www.gnu.org/licenses/gpl-3.0.html", "GPL-3.0-only"),
        ("http://publications.europa.eu/resource/authority/licence/CC_BYNC_4_0", "CC-BY-NC-4.0"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("https://www.govdata.de/dl-de/by-2-0", "DL-DE-BY-2.0"),
    ],
)
def test_a_licence_is_known_by_its_names_and_addresses(said: str, known: str) -> None:
    assert spdx_of(said) == licence_of(said) == known


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Our own terms",
        # Anybody's page, however it ends.
        "https://shop.example/terms/mit",
        "https://creativecommons.org/licenses/by/9.9/",
        "https://creativecommons.org/publicdomain/mark/1.0/",
        "http://publications.europa.eu/resource/authority/licence/OP_DATPRO",
    ],
)
def test_what_is_not_known_is_left_as_it_is_said(said: str) -> None:
    assert spdx_of(said) == ""
    assert licence_of(said) == said


@pytest.mark.parametrize("licence", ["MIT", "GPL-2.0-only", "CC-BY-ND-2.5", "etalab-2.0", "ODbL-1.0", "CC0-1.0"])
def test_what_we_write_is_read_as_the_same(licence: str) -> None:
    assert spdx_of(licence_address(licence) or "") == licence
    assert spdx_of(hub_name(licence)) == licence
