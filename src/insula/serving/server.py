"""The application in uvicorn: announces its address, and answers accepted requests before it stops."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from insula.core.errors import SettingsError
from insula.serving.app import create_app
from insula.serving.http.connections import create_http_protocol
from insula.serving.http.streams import create_stream_protocol
from insula.serving.service import Service
from insula.serving.settings.settings import Settings

BACKLOG = 2048


class DrainingServer(uvicorn.Server):
    """On the first signal `/readyz` answers 503; then the port closes, and accepted requests are answered.

    announce  is called with the address once requests are accepted
    """

    def __init__(self, config: uvicorn.Config, service: Service, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self.service = service
        self._announce = announce
        self._closes_at: float | None = None
        # Of the drain time: how long before its end connections are cut off, so that the rest can end in order.
        self._abort_seconds = min(5.0, service.settings.drain_seconds / 2)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting requests, and announce the address."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals, and exit with status 0: uvicorn would raise them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in previous.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal; at the second, skip the rest of the notice and close the port immediately."""
        now = time.monotonic()
        if self._closes_at is None:
            self.service.draining = True
            self._closes_at = now + self.service.settings.notice_seconds
        else:
            self._closes_at = min(now, self._closes_at)
        self.service.stop_by = self._closes_at + self.service.settings.drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to close the port."""
        if self._closes_at is not None:
            self.service.jobs.request_stop()  # files are resumed at the next start; requests need the processors
            self.service.drafts.request_stop(self.service.seconds_left / 2)
            # Streams close themselves once they have answered; uvicorn would cut them off.
            has_time = self.service.streams and self.service.seconds_left > self._abort_seconds
            if time.monotonic() >= self._closes_at and not has_time:
                return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the connections; abort those of clients that do not read, so that the drain time is kept."""
        left = self.service.seconds_left
        self.config.timeout_graceful_shutdown = math.ceil(left)
        abort = asyncio.get_running_loop().call_later(max(0.0, left - self._abort_seconds / 2), self._abort_connections)
        await super().shutdown(sockets)
        abort.cancel()

    def _abort_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until a signal; `announce` is called with the address as soon as requests are accepted.

    Raises `SettingsError` if the service cannot listen on its address, and what `create_app` raises.
    """
    server = build_server(settings, announce)
    with open_listener(settings) as listener:
        server.run(sockets=[listener])


@contextlib.contextmanager
def open_listener(settings: Settings) -> Iterator[socket.socket]:
    """Yield a socket that listens on the address of the settings; raise `SettingsError` if it cannot."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"The service cannot listen on {settings.host}:{settings.port}: {error.strerror or error}. "
            "Choose another port with --port, or another address with --host."
        ) from error
    with listener:
        yield listener


def build_server(settings: Settings, announce: Callable[[str], None]) -> DrainingServer:
    """Return the server of an application, not yet running."""
    app = create_app(settings)
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=create_http_protocol(settings.limits),
        ws=create_stream_protocol(settings.limits, service.body_memory),
        ws_max_size=settings.limits.body_bytes,
        ws_per_message_deflate=False,  # a small compressed message could be large
        log_config=None,
        access_log=False,  # addresses may contain texts that people typed
        log_level="warning",  # lower levels log the addresses of streams
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        lifespan="on",
    )
    return DrainingServer(config, service, announce)
