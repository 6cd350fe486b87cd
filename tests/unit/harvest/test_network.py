"""What a stranger's address can't make a harvester do."""

from __future__ import annotations

import gzip
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.harvest.serving import Answer, serving

from fabriek.harvest.network import FetchFailed, FetchRefused, Line, PlaceUnknown

HERE = (ip_network("127.0.0.0/8"),)
INNER = (
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/", "http://10.1.2.3/", "http://172.16.0.9/",
    "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00::1]/",
    "http://[::ffff:10.0.0.1]/", "http://[::ffff:127.0.0.1]/", "http://[2002:7f00:1::]/", "http://100.64.0.1/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://2130706433/", "http://0x7f.1/", "http://017700000001/",
)  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_no_address_of_an_inner_network_is_reached_however_it_is_written(address: str) -> None:
    with Line(patience=0) as line, pytest.raises(FetchFailed) as refused:
        line.get(address)
    assert isinstance(refused.value, FetchRefused) or "is not known" in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "http://me:secret@example.org/", "x"],
)
def test_only_plain_web_addresses_are_fetched(address: str) -> None:
    with Line(patience=0) as line, pytest.raises(FetchRefused):
        line.get(address)


@given(st.ip_addresses())
def test_whatever_is_not_global_is_refused(address: object) -> None:
    parsed = ip_address(str(address))
    line = Line(patience=0, resolve=lambda _host, _port: [parsed])
    allowed = line._transport._may(parsed)
    assert not (allowed and (parsed.is_private or parsed.is_loopback or parsed.is_link_local or parsed.is_multicast))


def test_a_name_that_means_one_public_and_one_inner_address_is_refused() -> None:
    both = [ip_address("93.184.215.14"), ip_address("10.0.0.1")]
    with Line(patience=0, resolve=lambda _host, _port: both) as line, pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        line.get("https://catalogue.example/")


def test_a_name_is_looked_up_once_and_the_connection_goes_there() -> None:
    """DNS rebinding: the second answer would be another address."""
    looked_up = []

    def resolve(host: str, _port: int) -> list[object]:
        looked_up.append(host)
        return [ip_address("127.0.0.1" if len(looked_up) == 1 else "10.0.0.1")]

    with serving(lambda _path: Answer(b"[]")) as server, Line(HERE, patience=0, resolve=resolve) as line:  # type: ignore[arg-type]
        assert line.get(f"http://catalogue.example:{server.port}/a").content == b"[]"
    assert looked_up == ["catalogue.example"]


def test_a_redirect_is_looked_at_like_an_address() -> None:
    def answer(path: str) -> Answer:
        where = "http://169.254.169.254/latest/meta-data/" if path == "/inner" else path
        return Answer(status=302, headers={"Location": where})

    with serving(answer) as server, Line(HERE, patience=0) as line:
        with pytest.raises(FetchRefused, match=r"169\.254"):
            line.get(f"{server.url}/inner")
        with pytest.raises(FetchRefused, match="redirects"):
            line.get(f"{server.url}/round")


def test_what_is_allowed_by_the_site_is_fetched_with_its_links() -> None:
    link = {"Link": '<?page=2>; rel="next"', "Content-Type": "application/json; charset=utf-8"}
    with serving(lambda _path: Answer(b"{}", headers=link)) as server, Line(HERE, patience=0) as line:
        found = line.get(f"{server.url}/list")
    assert (found.content, found.links) == (b"{}", {"next": f"{server.url}/list?page=2"})


def test_a_bomb_is_cut_off_by_what_it_unpacks_to() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 60_000
    answers = {"/packed": Answer(bomb, headers={"Content-Encoding": "gzip"}), "/long": Answer(b"0" * 2_000_000)}
    answers["/said"] = Answer(b"", headers={"Content-Length": "99999999"})
    answers["/broken"] = Answer(b"no gzip", headers={"Content-Encoding": "gzip"})
    with serving(lambda path: answers[path]) as server, Line(HERE, most_bytes=1_000_000, patience=0) as line:
        for path, why in (("/packed", "larger"), ("/long", "larger"), ("/said", "larger"), ("/broken", "packing")):
            with pytest.raises(FetchRefused, match=why):
                line.get(server.url + path)


def test_who_asks_for_patience_is_asked_again_and_who_knows_nothing_is_not() -> None:
    answers = [Answer(status=429, headers={"Retry-After": "1"}), Answer(status=503), Answer(b"[1]")]
    with serving(lambda path: answers.pop(0) if path == "/busy" else Answer(status=404)) as server:
        with Line(HERE, patience=0) as line:
            assert line.get(f"{server.url}/busy").content == b"[1]"
            with pytest.raises(PlaceUnknown):
                line.get(f"{server.url}/nothing")
        assert server.asked == ["/busy", "/busy", "/busy", "/nothing"]
