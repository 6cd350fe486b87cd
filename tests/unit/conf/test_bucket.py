"""Uploaded files in a bucket: a real server that speaks S3 on loopback, and what happens where it is away."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pydantic import ValidationError
from tests.api.test_rest import client_of
from tests.factories.catalogue import make_record
from tests.factories.world import make_person

from fabriek.catalogue import uploads
from fabriek.catalogue.actions import draft_entry
from fabriek.conf.bucket import PART, Bucket
from fabriek.conf.configuration import Configuration
from fabriek.conf.trouble import StorageAway

SERVER = Path(__file__).parents[2] / "bucket"
NPM = shutil.which("npm")
LARGE = bytes(range(256)) * (2 * PART // 256) + b"the end"
"""Two parts and a bit."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server has a bucket 'fabriek', for the key S3RVER with the secret S3RVER."""
    if NPM is None:
        pytest.skip("Node is not installed: files in a bucket are NOT tested (apt-get install nodejs npm)")
    command = SERVER / "node_modules" / ".bin" / "s3rver"
    if not command.exists():
        subprocess.run([NPM, "ci", "--no-audit", "--no-fund"], cwd=SERVER, check=True, timeout=300)
    folder, port = tmp_path_factory.mktemp("bucket"), free_port()
    options = ["--directory", str(folder), "--address", "127.0.0.1", "--port", str(port), "--silent"]
    server = subprocess.Popen([str(command), *options, "--configure-bucket", "fabriek"], start_new_session=True)
    try:
        for _attempt in range(600):
            assert server.poll() is None, f"the server ended with {server.returncode}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def stored_at(uploads_at: str) -> dict[str, Any]:
    return Configuration(uploads=uploads_at).uploads_settings()  # type: ignore[arg-type]


def bucket_at(place: str) -> Bucket:
    return Bucket(**stored_at(place)["OPTIONS"])


@pytest.fixture
def bucket(address: str, request: pytest.FixtureRequest) -> Bucket:
    """A part of the bucket for each test."""
    return bucket_at(f"s3+http://S3RVER:S3RVER@{address}/fabriek/{request.node.name}")


@pytest.mark.parametrize("content", [b"", b"small", LARGE[:PART], LARGE], ids=["empty", "small", "a part", "parts"])
def test_a_file_comes_back_as_it_was_sent(bucket: Bucket, content: bytes) -> None:
    name = bucket.save("folder/a file", ContentFile(content))
    assert (name, bucket.exists(name), bucket.size(name)) == ("folder/a file", True, len(content))
    with bucket.open(name) as file:
        assert b"".join(file.chunks()) == content
    with bucket.open(name) as file:
        assert (file.read(3), file.read()) == (content[:3], content[3:])


def test_folders_are_listed_and_files_erased(bucket: Bucket) -> None:
    for name in ("one/a", "one/b", "two/c"):
        bucket.save(name, ContentFile(b"x"))
    assert (bucket.listdir(""), bucket.listdir("none")) == ((["one", "two"], []), ([], []))
    assert bucket.listdir("one") == ([], ["a", "b"])
    bucket.delete("one/a")
    bucket.delete("one/a")
    assert (bucket.exists("one/a"), bucket.listdir("one")) == (False, ([], ["b"]))
    with pytest.raises(FileNotFoundError):
        bucket.open("one/a").read()
    with pytest.raises(FileNotFoundError):
        bucket.size("one/a")


def test_who_has_not_the_key_and_who_names_another_bucket_is_told(address: str) -> None:
    for place in (f"NOBODY:S3RVER@{address}/fabriek", f"S3RVER:S3RVER@{address}/another"):
        with pytest.raises(StorageAway):
            bucket_at(f"s3+http://{place}").save("x", ContentFile(b"x"))


def send(client: Client, code: str, content: bytes) -> Any:
    return client.post(f"/api/v1/catalogue/entries/{code}/files", {"file": SimpleUploadedFile("table.csv", content)})


@pytest.mark.django_db
def test_an_entrys_file_lies_in_the_bucket_and_is_given_out_from_there(address: str, settings: Any) -> None:
    place = f"s3+http://S3RVER:S3RVER@{address}/fabriek/entries"
    settings.STORAGES = {**settings.STORAGES, "uploads": stored_at(place)}
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = client_of(steward, "read", "describe")
    assert send(client, entry.code, LARGE).status_code == 200
    digest = hashlib.sha256(LARGE).hexdigest()
    assert bucket_at(place).listdir(str(entry.uuid)) == ([], [digest])
    given = client.get(f"/api/v1/catalogue/entries/{entry.code}/files/{digest}")
    assert b"".join(given.streaming_content) == LARGE  # type: ignore[attr-defined]
    uploads.forget_all_but(entry, [])
    assert bucket_at(place).listdir(str(entry.uuid)) == ([], [])


@pytest.mark.django_db
def test_a_bucket_that_is_away_is_told_keeps_nothing_and_takes_no_page_along(address: str, settings: Any) -> None:
    near = {**settings.STORAGES, "uploads": stored_at(f"s3+http://S3RVER:S3RVER@{address}/fabriek/away")}
    away = {**settings.STORAGES, "uploads": stored_at(f"s3+http://S3RVER:S3RVER@127.0.0.1:{free_port()}/fabriek")}
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = client_of(steward, "read", "describe")
    settings.STORAGES = near
    digest = send(client, entry.code, b"kept").json()["record"]["distributions"][0]["sha256"]
    settings.STORAGES = away
    refused = send(client, entry.code, b"lost")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (503, "storage-away")
    assert client.get(f"/api/v1/catalogue/entries/{entry.code}/files/{digest}").status_code == 503
    entry.refresh_from_db()
    assert [one["sha256"] for one in entry.record["distributions"]] == [digest]
    reader = Client()
    reader.force_login(steward)
    page = reader.get(f"/catalogue/entries/{entry.code}/")
    assert (page.status_code, f"/files/{digest}/" in page.content.decode()) == (200, True)
    told = reader.get(f"/catalogue/entries/{entry.code}/files/{digest}/")
    assert told.status_code == 503
    assert "The storage of the files can" in told.content.decode()


def test_a_bucket_is_named_by_one_address() -> None:
    said = stored_at("s3://key:a%2Fsecret@s3.example.org:9000/bucket/a/prefix?region=eu-west-1")
    assert said["OPTIONS"] == {
        "endpoint": "https://s3.example.org:9000",
        "bucket": "bucket",
        "prefix": "a/prefix",
        "key": "key",
        "secret": "a/secret",
        "region": "eu-west-1",
    }
    assert "FileSystemStorage" in stored_at("")["BACKEND"]
    for wrong in ("https://s3.example.org/bucket", "s3://key:hushed@host", "s3://host/bucket", "s3://key@host/bucket"):
        with pytest.raises(ValidationError, match="FABRIEK_UPLOADS must be like") as refused:
            stored_at(wrong)
        assert "hushed" not in str(refused.value)
