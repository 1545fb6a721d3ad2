"""Two halves of a step, in one thread or in two: the results are the same bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Halves:
    """Runs a job for 0 and for 1; with two workers or more the second in a thread of its own."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="half") if workers > 1 else None

    def run(self, job: Callable[[int], T]) -> tuple[T, T]:
        """job(0) and job(1)."""
        if self._pool is None:
            return job(0), job(1)
        second = self._pool.submit(job, 1)
        return job(0), second.result()

    def close(self) -> None:
        """End the second thread."""
        if self._pool is not None:
            self._pool.shutdown()
