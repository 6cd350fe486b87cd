"""The platform as a process that can be hurt at any of its statements: the same application, forked and served."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from tests.slurm.faults.boundaries import Boundaries, Place, kill_self
from tests.slurm.faults.line import Cable


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Nothing."""


class Platform:
    """Serves on loopback, or behind a cable. `start(place)`: until something becomes of it there."""

    def __init__(self, cable: Cable | None = None) -> None:
        self._cable = cable
        self.address = cable.address if cable else "127.0.0.1"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._pid = 0

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self.address}:{self.port}"

    @property
    def is_alive(self) -> bool:
        """Whether it runs; what ended is reaped."""
        if self._pid:
            done, _status = os.waitpid(self._pid, os.WNOHANG)
            if done:
                self._pid = 0
        return bool(self._pid)

    def start(
        self, seen: Path | None = None, place: Place | None = None, act: Callable[[], None] | None = None
    ) -> None:
        """Fork a server, and wait until it answers. act: what it does at the place; None: it kills itself."""
        connections.close_all()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                if self._cable:
                    self._cable.enter()
                _serve(self.address, self.port, Boundaries(seen, place, act or kill_self) if seen else None)
            finally:
                os._exit(1)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                socket.create_connection((self.address, self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("the platform does not answer")

    def kill(self) -> None:
        """kill -9."""
        if self.is_alive:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0


def _serve(address: str, port: int, boundaries: Boundaries | None) -> None:
    settings.ALLOWED_HOSTS = [address]
    application: Any = get_wsgi_application()
    if boundaries is not None:
        application = _watched(application, boundaries)
    make_server(address, port, application, handler_class=_Quiet).serve_forever()


def _watched(application: Any, boundaries: Boundaries) -> Callable[..., Iterable[bytes]]:
    """Each statement that writes is a boundary, and so is the answer: all is written then, and nobody knows."""

    def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.lstrip().split(" ", 1)[0].upper()
        if verb not in ("INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE"):
            return execute(sql, params, many, context)
        words = sql.replace('"', "").split()
        label = " ".join(words[:3] if verb in ("INSERT", "DELETE") else words[:2]) if verb[0] in "IUD" else verb
        boundaries.before(label)
        done = execute(sql, params, many, context)
        boundaries.after(label)
        return done

    def answered(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        label = f"answer {environ['REQUEST_METHOD']} {environ['PATH_INFO'].rstrip('/').rpartition('/')[2]}"
        boundaries.before(label)
        with connection.execute_wrapper(statement):
            body = list(application(environ, start))
        boundaries.after(label)
        return body

    return answered
