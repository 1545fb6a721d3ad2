"""Ctrl-C, termination and a lost terminal: ask the work to stop at its next safe point.

The safe point of a training is the end of an update. One that has not come :data:`PATIENCE_S` after the signal (an
episode may be long, and a step slow) is left between two steps: the checkpoint before it is what a resume begins with.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

PATIENCE_S = 5.0  # for an update that is under way

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class LeftError(Exception):
    """An update was left between two steps; its algorithm is in no state that could be saved."""


class Interrupt:
    """``with Interrupt() as interrupt:`` - the first signal sets ``interrupt.asked``, a second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._asked_s = 0.0  # on the monotonic clock
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # only there can handlers be set
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                ignored = name == "SIGHUP" and number and signal.getsignal(number) is signal.SIG_IGN  # by nohup
                if number is not None and not ignored:
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.ask()

    def ask(self) -> None:
        """Ask without a signal."""
        self.asked, self._asked_s = True, time.monotonic()

    def between_steps(self) -> None:
        """Leave an update that has gone on for too long since the signal.

        Raises:
            LeftError: it has.
        """
        if self.asked and time.monotonic() - self._asked_s >= PATIENCE_S:
            raise LeftError
