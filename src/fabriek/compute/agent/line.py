"""The line to the platform: one call after another, with patience where that may help."""

from __future__ import annotations

from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from fabriek.compute.agent.errors import AgentError, PlatformRefused


class Line:
    """`client` carries the platform's address and the cluster's token. patience: how often a call is tried."""

    def __init__(self, client: httpx.Client, cluster: str, patience: int) -> None:
        self._client, self._cluster, self._patience = client, cluster, patience

    def call(self, method: str, path: str, body: str | None = None) -> Any:
        """What the platform answers, at a path below the cluster's own. Errors: AgentError, PlatformRefused."""
        retrying = Retrying(
            retry=retry_if_exception(_again),
            stop=stop_after_attempt(self._patience),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            reraise=True,
        )
        try:
            return retrying(self._once, method, f"/api/v1/sites/{self._cluster}/{path}", body)
        except httpx.HTTPStatusError as error:
            refused = PlatformRefused if error.response.status_code in (400, 404, 409, 413, 422) else AgentError
            raise refused(
                f"The platform answered {error.response.status_code} to {method} {path}: {_detail(error.response)}"
            ) from error
        except httpx.HTTPError as error:
            raise AgentError(f"The platform can't be reached at {self._client.base_url}: {error}") from error

    def _once(self, method: str, path: str, body: str | None) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        response = self._client.request(method, path, content=body, headers=headers)
        response.raise_for_status()
        return response.json() if response.content else None


def _again(error: BaseException) -> bool:
    """Whether it may go better in a moment: no connection, too busy, or a mistake of the server's."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (429, 502, 503, 504, 507)
    return isinstance(error, httpx.TransportError)


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json().get("detail", ""))[:500]
    except ValueError:
        return response.text[:200]
