"""Serves a checkpoint over HTTP on loopback until the job's time is over, for who holds the job's key.

    python -m fabriek_recipe.serve PARAMETERS.json

GET /health; POST /v1/completions {"prompt": "...", "max_tokens": 50, "temperature": 0.8} with
`Authorization: Bearer KEY`. Others on the node can reach its loopback too, hence the key; it is in a file that only the
job's user reads, and never printed. One asks through `ssh -L`, as the job's output says.
"""

from __future__ import annotations

import hmac
import json
import os
import platform
import secrets
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import records
from .model import Model, here, load, name_of, write
from .settings import Clock, Trouble, folder, run, settings

MOST_TOKENS = 2_000
MOST_BODY = 100_000


class Served:
    """The model and what was asked of it. One request at a time is thought about."""

    def __init__(self, model: Model, key: str) -> None:
        self.model, self.key = model, key
        self.thinking = threading.Lock()
        self.requests = self.bytes = self.refused = 0
        self.seconds = 0.0

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Errors: ValueError for what can't be answered."""
        prompt, many = asked.get("prompt"), asked.get("max_tokens", 50)
        warm, seed = asked.get("temperature", 0.8), asked.get("seed")
        if not isinstance(prompt, str) or not prompt:
            raise ValueError("prompt: give a text")
        if type(many) is not int or not 1 <= many <= MOST_TOKENS:
            raise ValueError(f"max_tokens: a whole number from 1 to {MOST_TOKENS}")
        if isinstance(warm, bool) or not isinstance(warm, int | float) or not 0 <= warm <= 10:
            raise ValueError("temperature: a number from 0 to 10")
        if seed is not None and (type(seed) is not int or not 0 <= seed < 2**31):
            raise ValueError("seed: a whole number from 0 on")
        began = time.monotonic()
        with self.thinking:
            text = write(self.model, prompt.encode(), many, temperature=float(warm), seed=seed)
            self.requests += 1
            self.bytes += len(text)
            self.seconds += time.monotonic() - began
        return {
            "object": "text_completion",
            "choices": [{"index": 0, "text": text.decode("utf-8", errors="replace"), "finish_reason": "length"}],
            "usage": {"prompt_tokens": len(prompt.encode()), "completion_tokens": len(text)},
        }


def handler_of(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def log_message(self, *_words: Any) -> None:
            """Prompts are nobody's business but the asker's."""

        def do_GET(self) -> None:
            if self.path == "/health":
                self._say(200, {"status": "ok", "requests": served.requests})
            else:
                self._say(404, {"error": "GET /health or POST /v1/completions"})

        def do_POST(self) -> None:
            if self.path != "/v1/completions":
                self._say(404, {"error": "GET /health or POST /v1/completions"})
                return
            shown = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(shown.encode(), served.key.encode()):
                served.refused += 1
                self._say(401, {"error": "send the key of this job: Authorization: Bearer KEY"})
                return
            try:
                length = int(self.headers.get("Content-Length", "0"))
                if not 0 < length <= MOST_BODY:
                    raise ValueError(f"a JSON body of at most {MOST_BODY:,} bytes")
                asked = json.loads(self.rfile.read(length))
                if not isinstance(asked, dict):
                    raise ValueError("a JSON object")
                self._say(200, served.answer(asked))
            except (ValueError, RecursionError) as error:
                self._say(400, {"error": str(error)})

        def _say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    told = settings()
    clock, device = Clock(told["limit_seconds"]), here()
    start = told["checkpoint"]
    model = load(Path(start["path"]), start["sha256"], device)
    key = secrets.token_urlsafe(32)
    kept = folder() / "service-key"
    os.close(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    kept.write_text(key, encoding="ascii")
    served = Served(model, key)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", told["port"]), handler_of(served))
    except OSError as error:
        raise Trouble(
            f"Port {told['port']} can't be had on this node: {error.strerror}. Take 0 for a free one."
        ) from error
    server.daemon_threads = True
    port = server.server_address[1]
    record = records.Record("service", told["name"], told["code"])
    record.inputs = [{**start, "kind": "checkpoint"}]
    record.environment |= {"device": name_of(device), "node": platform.node(), "port": str(port)}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    began = time.monotonic()
    _ask_once(port, key, told["prompt"])
    print(
        f"It answers on 127.0.0.1:{port} of {platform.node()}, until its time is over or it is stopped.",
        f"From your machine: ssh -L {port}:127.0.0.1:{port} {platform.node()}",
        f"The key is in {kept} there; send it as Authorization: Bearer KEY.",
        sep="\n",
        flush=True,
    )
    while not clock.is_over():
        seconds = time.monotonic() - began
        record.metrics |= {"requests": served.requests, "bytes": served.bytes, "refused": served.refused}
        record.metrics |= {"answering_seconds": served.seconds, "uptime_seconds": seconds}
        record.point("requests", round(seconds), served.requests, of="seconds")
        record.goes_on()
        time.sleep(0.2)
    server.shutdown()
    kept.unlink(missing_ok=True)
    record.metrics |= {"requests": served.requests, "bytes": served.bytes, "refused": served.refused}
    record.metrics |= {"answering_seconds": served.seconds, "uptime_seconds": time.monotonic() - began}
    record.summary = f"Answered {served.requests} requests, the first its own, in {time.monotonic() - began:.0f} s."
    record.ends()
    print(record.summary, flush=True)


def _ask_once(port: int, key: str, prompt: str) -> None:
    """One request over HTTP, as others will ask: what doesn't answer is not announced."""
    body = json.dumps({"prompt": prompt, "max_tokens": 20, "seed": 1}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/completions",
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    # No proxy stands between a node and its own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        said = json.loads(answer.read())["choices"][0]["text"]
    print(f"It answered itself: {prompt}{said}", flush=True)


if __name__ == "__main__":
    run(main)
