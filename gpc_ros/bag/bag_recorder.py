"""Record serialised messages in a separate thread, so that callers never block or fail.

The recorder node only passes messages on. Errors (a full disk, an unknown type) are reported by
:meth:`Recorder.status`.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpc_ros.bag.bag_writer import COMPRESSIONS, BagWriter, Qos
from gpc_ros.common.config import param
from gpc_ros.common.errors import BagError


@dataclass(frozen=True)
class RecorderConfig:
    """Parameters of the recorder."""

    compression: str = param("zstd", "Compression of the bag", choices=tuple(COMPRESSIONS))
    flush_period: float = param(
        0.25, "Time between flushes; bounds the loss after a kill", unit="s", low=0.05, high=10.0
    )
    sync: bool = param(True, "Wait for the disk at every flush, against power cuts")
    queue: float = param(
        64.0, "Queue for a slow disk; drops messages when full", unit="MB", low=1.0, high=4096.0
    )
    min_free: float = param(
        200.0, "Stop recording when the disk has less space left", unit="MB", low=0.0, high=1e6
    )


@dataclass(frozen=True)
class RecorderStatus:
    """The state of a recording.

    Attributes:
        recording: whether messages are being written.
        counts: messages written, by topic.
        bytes: size of all messages written.
        dropped: messages lost because the disk was too slow or the recording had stopped.
        waiting: bytes in the queue.
        error: reason for an early stop of the recording; empty without one.
        refused: topics that cannot be recorded, each with the reason.
    """

    recording: bool
    counts: dict[str, int]
    bytes: int
    dropped: int
    waiting: int
    error: str
    refused: dict[str, str]


@dataclass
class _Account:
    """Counters that the lock protects."""

    dropped: int = 0
    waiting: int = 0
    error: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Recorder:
    """Writes a bag in the background."""

    def __init__(
        self,
        folder: Path,
        config: RecorderConfig | None = None,
        info: Mapping[str, str] | None = None,
        make_writer: Callable[..., BagWriter] = BagWriter,
    ) -> None:
        """Create the bag and start the thread.

        Args:
            folder: the new bag; must be empty if it exists.
            config: parameters.
            info: description of the run (see :func:`gpc_ros.bag.recording_info.run_info`).
            make_writer: replaces the writer in tests.

        Raises:
            BagError: the bag cannot be created.
        """
        self._config = config or RecorderConfig()
        self._folder = folder
        self._writer = make_writer(folder, info, self._config.compression)
        self._queue: list[tuple[str, str, bytes, int, Qos | None]] = []
        self._wake = threading.Condition()
        self._account = _Account()
        self._closing = False
        self._recording = True
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def put(
        self, topic: str, type_name: str, data: bytes, time_ns: int, qos: Qos | None = None
    ) -> None:
        """Queue a serialised message; returns at once and never raises.

        Args:
            topic: full name of the topic.
            type_name: such as ``sensor_msgs/msg/Imu``.
            data: the message as received from the middleware (CDR).
            time_ns: time of receipt [ns].
            qos: quality of service of the topic's publisher.
        """
        with self._wake:
            room = self._account.waiting + len(data) <= self._config.queue * 1e6
            if not self._recording or self._closing or not room:
                self._account.dropped += 1
                return
            self._account.waiting += len(data)
            # The thread polls often enough; waking it would cost a context switch.
            self._queue.append((topic, type_name, data, time_ns, qos))

    def status(self) -> RecorderStatus:
        """Return the state of the recording."""
        with self._wake:
            a = self._account
            return RecorderStatus(
                self._recording, dict(a.counts), a.bytes, a.dropped, a.waiting, a.error,
                dict(a.refused),
            )  # fmt: skip

    def close(self, timeout: float = 30.0) -> RecorderStatus:
        """Write the queued messages, finish the bag and return the final state.

        Args:
            timeout: longest time to wait for the disk [s].
        """
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._stop(f"{self._folder}: the disk did not accept the rest within {timeout:g} s")
        return self.status()

    def _work(self) -> None:
        """Write until closed or until the disk fails."""
        period = self._config.flush_period
        flushed = time.monotonic()
        try:
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._closing, timeout=min(0.05, period))
                    closing = self._closing
                self._write_waiting()
                now = time.monotonic()
                if closing:
                    break
                if now - flushed >= period:
                    self._check_space()
                    self._writer.flush(sync=self._config.sync)
                    flushed = now
            self._writer.close()
        except BagError as error:
            self._stop(str(error))
        except Exception as error:  # a defect here must not end the calling process
            self._stop(f"{self._folder}: {type(error).__name__}: {error}")
        with self._wake:
            self._recording = False

    def _write_waiting(self) -> None:
        with self._wake:
            batch, self._queue = self._queue, []
        counts: Counter[str] = Counter()
        refused: dict[str, str] = {}
        written = done = 0
        try:
            for topic, type_name, data, time_ns, qos in batch:
                try:
                    self._writer.add_topic(topic, type_name, qos)
                except BagError as error:
                    refused[topic] = str(error)
                else:
                    self._writer.write(topic, data, time_ns)
                    counts[topic] += 1
                    written += len(data)
                done += 1
        finally:
            with self._wake:
                self._account.counts.update(counts)
                self._account.bytes += written
                self._account.refused.update(refused)
                self._account.dropped += len(batch) - done
                self._account.waiting -= sum(len(item[2]) for item in batch)

    def _check_space(self) -> None:
        """Stop while the disk has enough space left to finish the bag.

        Raises:
            BagError: the disk is nearly full.
        """
        free = shutil.disk_usage(self._folder).free / 1e6
        if free < self._config.min_free:
            self._writer.close()
            raise BagError(
                f"{self._folder}: recording stopped: the disk has {free:.0f} MB left, less than "
                f"min_free of {self._config.min_free:.0f} MB; the bag up to here is complete"
            )

    def _stop(self, error: str) -> None:
        """End the recording because of an error; flushed messages stay readable."""
        self._writer.abandon()
        with self._wake:
            self._recording = False
            self._account.error = self._account.error or error
            self._account.dropped += len(self._queue)
            self._queue = []
