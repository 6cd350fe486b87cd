"""Fetching what strangers publish, without becoming their tool.

A catalogue's address, and each address that it redirects or pages to, is somebody else's choice. So each is looked at
before a connection is made: only http and https, only addresses of the public internet (no loopback, no private
network, no cloud's metadata service) unless the site names a network as allowed, and the connection goes to the very
address that was looked at, so that a name can't change its meaning in between. What comes back is counted after it is
unpacked, and cut off at a limit. OWASP, Server-Side Request Forgery Prevention.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from fabriek import __version__

MOST_BYTES = 20 * 2**20
"""Of one document, unpacked."""
MOST_REDIRECTS = 5
MOST_SECONDS = 120.0
"""For one document from the first byte to the last: who sends a byte a second holds nobody up."""
MOST_PATIENCE = 60.0
"""Seconds that a Retry-After is waited for at most."""
ATTEMPTS = 4

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class FetchFailed(Exception):
    """It could not be fetched; the sentence says why. Asking again later may do."""


class PlaceUnknown(FetchFailed):
    """The other side knows no such place (any more): 400, 404, 410, 422."""


class FetchRefused(FetchFailed):
    """It must not be fetched, or is too large. Asking again won't do."""


class _TryAgain(FetchFailed):
    """The other side asked for patience, or the line broke."""


@dataclass(frozen=True)
class Fetched:
    """A document. `url`: where it was in the end. `media_type`: as its server says, without parameters."""

    url: str
    content: bytes
    media_type: str
    links: Mapping[str, str]
    """The addresses of its Link header, by relation."""


class Line:
    """Fetches documents, one after the other. Used as a context manager.

    allowed: networks beside the public internet's that may be reached, as `FABRIEK_HARVEST_NETWORKS` names them.
    """

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        *,
        most_bytes: int = MOST_BYTES,
        patience: float = 1.0,
        resolve: Callable[[str, int], list[Address]] | None = None,
    ) -> None:
        self._most_bytes, self._patience = most_bytes, patience
        self._transport = _Guarded(tuple(allowed), resolve or _addresses)
        self._client = httpx.Client(
            transport=self._transport,
            timeout=httpx.Timeout(30.0, connect=10.0),
            # gzip is bounded: a thousand times what came. Brotli and zstd are not.
            headers={"User-Agent": f"fabriek/{__version__} (harvester)", "Accept-Encoding": "gzip"},
            trust_env=False,
        )

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_what: object) -> None:
        self._client.close()

    def get(self, url: str, accept: str = "*/*") -> Fetched:
        """The document at an address. Errors: FetchRefused, FetchFailed, after some attempts where that may help."""
        tries = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=self._patience, max=30 * self._patience),
            reraise=True,
        )
        found: Fetched = tries(self._once, url, accept)
        return found

    def _once(self, url: str, accept: str) -> Fetched:
        until = time.monotonic() + MOST_SECONDS
        for _hop in range(MOST_REDIRECTS + 1):
            try:
                with self._client.stream("GET", url, headers={"Accept": accept}) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("Location", ""))
                        continue
                    self._refuse_status(response)
                    return self._read(response, url, until)
            except httpx.InvalidURL as error:
                raise FetchRefused(f"{url[:200]} is no address: {error}") from error
            except httpx.DecodingError as error:
                raise FetchRefused(f"{url[:200]}: its packing is broken: {error}") from error
            except httpx.HTTPError as error:
                raise _TryAgain(f"{url[:200]}: {error or type(error).__name__}") from error
        raise FetchRefused(f"{url[:200]}: more than {MOST_REDIRECTS} redirects")

    def _refuse_status(self, response: httpx.Response) -> None:
        code = response.status_code
        if code in (429, 503):
            wait = response.headers.get("Retry-After", "")
            if wait.isdigit():
                time.sleep(min(int(wait), MOST_PATIENCE) * min(self._patience, 1.0))
        if code == 429 or code >= 500:
            raise _TryAgain(f"{response.url}: {code} {response.reason_phrase}")
        if code != 200:
            raise (PlaceUnknown if code in (400, 404, 410, 422) else FetchFailed)(
                f"{response.url}: {code} {response.reason_phrase}"
            )

    def _read(self, response: httpx.Response, url: str, until: float) -> Fetched:
        said = response.headers.get("Content-Length", "")
        if said.isdigit() and int(said) > self._most_bytes:
            raise FetchRefused(self._too_large(url))
        whole = bytearray()
        for part in response.iter_bytes(65_536):
            whole += part
            if len(whole) > self._most_bytes:
                raise FetchRefused(self._too_large(url))
            if time.monotonic() > until:
                raise FetchFailed(f"{url[:200]} took longer than {MOST_SECONDS:.0f} seconds")
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        links = {name: urljoin(url, link["url"]) for name, link in response.links.items() if name and "url" in link}
        return Fetched(url, bytes(whole), media_type, links)

    def _too_large(self, url: str) -> str:
        return f"{url[:200]} is larger than {self._most_bytes:,} bytes: ask its publisher for pages"


class _Guarded(httpx.BaseTransport):
    """Looks at where a request goes, and connects to exactly that."""

    def __init__(self, allowed: tuple[Network, ...], resolve: Callable[[str, int], list[Address]]) -> None:
        self._allowed, self._resolve = allowed, resolve
        self._below = httpx.HTTPTransport(retries=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise FetchRefused(f"{str(url)[:200]}: only http and https are fetched")
        if url.userinfo:
            raise FetchRefused(f"{url.host}: an address with a name and password in it is not fetched")
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = self._resolve(url.host, port)
        for address in addresses:
            if not self._may(address):
                raise FetchRefused(
                    f"{url.host} is {address}, which is not on the public internet. An operator can allow its network "
                    "with FABRIEK_HARVEST_NETWORKS"
                )
        # The server's name goes along for TLS and for virtual hosts; the connection is to the address itself.
        pinned = url.copy_with(host=str(addresses[0]))
        extensions: dict[str, Any] = {**request.extensions, "sni_hostname": url.host}
        return self._below.handle_request(
            httpx.Request(request.method, pinned, headers=request.headers, stream=request.stream, extensions=extensions)
        )

    def close(self) -> None:
        self._below.close()

    def _may(self, address: Address) -> bool:
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        if any(address in network or inner in network for network in self._allowed):
            return True
        return all(one.is_global and not one.is_multicast and not one.is_reserved for one in (address, inner))


def _addresses(host: str, port: int) -> list[Address]:
    """All addresses of a name. Errors: _TryAgain where it has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _TryAgain(f"{host[:200]} is not known: {error}") from error
    return [ipaddress.ip_address(str(place[4][0]).partition("%")[0]) for place in found]
