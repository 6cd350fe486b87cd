"""Files in a bucket that speaks S3, as a storage of Django's: sent and read in parts, never whole in memory.

Through obstore (extra `s3`), which asks again where the other side is busy. What it can't reach is told as StorageAway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Any, cast

from django.core.files.base import File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name

from fabriek.conf.trouble import StorageAway

PART = 8 * 2**20
"""Bytes that are sent or read at a time; S3 takes parts from 5 MiB on."""
AT_ONCE = 2
"""Parts on their way at the same time, each of which is in memory."""
RETRIES = 3
LONGEST_RETRY = timedelta(seconds=20)


class Bucket(Storage):
    """bucket, prefix: where in it. endpoint: the server's address. region: as the server wants it named."""

    def __init__(
        self, *, endpoint: str, bucket: str, prefix: str = "", key: str, secret: str, region: str = "us-east-1"
    ) -> None:
        import obstore
        from obstore.store import S3Store

        self._obstore: Any = obstore
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=endpoint,
            region=region,
            access_key_id=key,
            secret_access_key=secret,
            # The bucket in the path, as every server takes it; its name need not be one of DNS.
            virtual_hosted_style_request=False,
            client_options={
                "connect_timeout": "5s",
                "timeout": "60s",
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": LONGEST_RETRY},
        )

    def exists(self, name: str) -> bool:
        """Whether it holds this file."""
        with self._told():
            try:
                self._obstore.head(self._store, name)
            except FileNotFoundError:
                return False
        return True

    def delete(self, name: str) -> None:
        """Erase a file; one that isn't there is none."""
        with self._told():
            self._obstore.delete(self._store, name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Folders and files below a path."""
        with self._told():
            found = self._obstore.list_with_delimiter(self._store, path)
        folders = [one.rstrip("/").rpartition("/")[2] for one in found["common_prefixes"]]
        return folders, [one["path"].rpartition("/")[2] for one in found["objects"]]

    def size(self, name: str) -> int:
        """Bytes of a file. Errors: FileNotFoundError."""
        with self._told():
            return int(self._obstore.head(self._store, name)["size"])

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError("files of a bucket are read, or written whole")
        with self._told():
            reader = self._obstore.open_reader(self._store, name, buffer_size=PART)
        return File(cast(IO[bytes], _Reader(reader, self._told)), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        validate_file_name(name, allow_relative_path=True)
        content.seek(0)
        try:
            with self._told():
                self._obstore.put(self._store, name, content, chunk_size=PART, max_concurrency=AT_ONCE)
        except FileNotFoundError as error:
            raise StorageAway("there is no such bucket") from error
        return name

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the other side refuses, and that it can't be reached, as an error of the machine."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, self._obstore.exceptions.BaseError) as error:
            # After that it tells how its own library sees it.
            raise StorageAway(str(error).partition("\n\nDebug source")[0]) from error


class _Reader:
    """A file of a bucket that is read from its beginning on; a line that breaks is told as StorageAway."""

    def __init__(self, reader: Any, told: Any) -> None:
        self._reader, self._told = reader, told

    def read(self, size: int = -1) -> bytes:
        with self._told():
            return bytes(self._reader.read(size if size >= 0 else None))

    def close(self) -> None:
        self._reader.close()
