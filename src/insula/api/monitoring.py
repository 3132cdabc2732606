"""`monitor`, `read_trend`: follow the emotions in a stream of messages, and what the store has of them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.progress import Progress, Silent
from insula.core.starter import STARTER
from insula.operations.audit.log import STORE
from insula.operations.store.open_store import open_store

if TYPE_CHECKING:
    from insula.inference.predictor import Predictor
    from insula.operations.monitoring.alerts import Alert
    from insula.operations.monitoring.monitor import MonitorReport
    from insula.operations.monitoring.settings import MonitorFile
    from insula.operations.monitoring.trend import StreamState, Trend
    from insula.operations.store.database import Database
    from insula.operations.streams.source import MessageSource

PURPOSE = "keep the windows of a stream"


def monitor(
    source: str | Path | MessageSource,
    model: str | Path | Predictor = STARTER,
    *,
    store: str | Path = STORE,
    settings: str | Path | MonitorFile | None = None,
    name: str | None = None,
    follow: bool = False,
    rejects: str | Path | None = None,
    on_alert: Callable[[Alert], object] = lambda alert: None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> MonitorReport:
    """Predict the messages of a stream, count their labels by windows of time, and raise alerts.

    source    a file of JSON Lines, `-` for standard input, `redis://host:port/stream`, `nats://host:port/stream`, or an
              open source
    store     the data folder of a server, or the address of a database; it keeps windows and alerts, and no text
    settings  windows, keys and alerts, or the TOML file that has them
    name      a name for the stream (default: its address)
    follow    wait for further messages, and for a store that does not answer, until `stop` is set
    rejects   the file of lines that are no messages (default: SOURCE.rejects.jsonl)
    on_alert  called with each alert that is raised or ended

    Receivers in the settings are notified of alerts, again and again until they accept; what did not arrive when the
    call ends is sent by the next monitor with this store. A stream that was read before is continued where it stopped;
    every message is counted once, by its id. Raises `DataError` for settings that are not valid or do not fit the
    labels of the model, `SettingsError` for a secret of a receiver that is not set, and as `open_source` does.
    """
    from insula.inference.predictor import Predictor
    from insula.operations.handoff.notified_words import add_words
    from insula.operations.monitoring.monitor import Monitor, MonitorReport
    from insula.operations.monitoring.retry_until_stopped import retry_until_stopped
    from insula.operations.monitoring.settings import MonitorFile, read_monitor_file
    from insula.operations.outbox.dispatcher import Dispatcher
    from insula.operations.outbox.senders import check_receiver
    from insula.operations.streams.open import open_source

    if isinstance(settings, str | Path):
        settings = read_monitor_file(settings)
    settings = settings or MonitorFile()
    receivers = settings.receivers
    for receiver in receivers:
        check_receiver(receiver)
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    stop, progress = stop or threading.Event(), progress or Silent()
    with contextlib.ExitStack() as opened:

        def open_monitor_store() -> Database:
            return opened.enter_context(open_store(store, purpose=PURPOSE))

        database = retry_until_stopped(open_monitor_store, stop, progress.say) if follow else open_monitor_store()
        if database is None:
            return MonitorReport()
        messages = open_source(source, follow=follow, rejects=rejects) if isinstance(source, str | Path) else source
        opened.callback(messages.close)
        running = Monitor(predictor, database, settings, stream=name, on_alert=on_alert, progress=progress)
        prepare = functools.partial(add_words, database)
        with Dispatcher(database, receivers, prepare=prepare, say=progress.say):
            return running.run(messages, stop)


def read_trend(
    store: str | Path = STORE,
    name: str | None = None,
    *,
    last: int = 24,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
) -> Trend:
    """Return the newest windows and alerts of a monitored stream.

    name   the stream (default: the one that was updated last)
    last   number of windows in time
    by     attributes that are shown apart; windows that differ only in others are added up
    where  only windows with these values of attributes
    """
    from insula.operations.monitoring import trend

    with open_store(store, purpose=PURPOSE) as database:
        return trend.read_trend(database, name, last=last, by=tuple(by), where=where)


def list_streams(store: str | Path = STORE) -> list[StreamState]:
    """Return the monitored streams of a store, the last updated first."""
    from insula.operations.monitoring import trend

    with open_store(store, purpose=PURPOSE) as database:
        return trend.list_streams(database)
