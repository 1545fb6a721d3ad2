"""Ctrl-C and termination in the middle of an update: it is left between two steps, and a resume loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from snnctl.cli import main
from snnctl.training import interrupt
from snnctl.training.run import train

from .random_walk import RandomWalk, recipe
from .test_run import hashes


class Endless(RandomWalk):
    """An update that has an episode without end from the given update on; a signal meets it there."""

    number = signal.SIGTERM
    update_at = 3

    def __init__(self, blueprint, seed, workers):
        super().__init__(blueprint, seed, workers)
        self.environments = blueprint.environments(seed, 1)

    def update(self):
        if self.steps == self.update_at * 10:
            self.random.normal()  # what is left half-way must not be saved
            os.kill(os.getpid(), self.number)
            while True:
                self.environments.step(np.zeros(1, int))
        return super().update()


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_leaves_an_update_that_does_not_end(tmp_path, monkeypatch, number, at):
    monkeypatch.setattr(interrupt, "PATIENCE_S", 0.0)
    monkeypatch.setattr(Endless, "number", number)
    monkeypatch.setattr(Endless, "update_at", at)
    part = train(recipe(), 0, tmp_path / "part", name="k", build=Endless, save_every_s=0.0)
    assert (part.status, part.steps, part.updates) == ("interrupted", 10 * at, at)
    rest = train(recipe(), 0, tmp_path / "part", resume=part.folder, build=RandomWalk)
    whole = train(recipe(), 0, tmp_path / "whole", build=RandomWalk)
    assert rest.status == "finished" and hashes(rest.folder) == hashes(whole.folder)


def test_an_update_that_ends_in_time_is_finished(tmp_path):
    class Brief(RandomWalk):
        def __init__(self, blueprint, seed, workers):
            super().__init__(blueprint, seed, workers)
            self.environments = blueprint.environments(seed, 1)

        def update(self):
            os.kill(os.getpid(), signal.SIGINT)
            self.environments.step(np.zeros(1, int))
            return super().update()

    part = train(recipe(), 0, tmp_path, name="k", build=Brief, save_every_s=1e9)
    assert (part.status, part.updates) == ("interrupted", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_other_verbs_are_left_like_by_ctrl_c(monkeypatch, capsys, number):
    def running(*_, **__):
        os.kill(os.getpid(), number)
        time.sleep(10.0)

    own = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, own)  # whoever started the tests may ignore it, as nohup does
    try:
        monkeypatch.setattr(main, "parser", lambda verbs: running)
        assert main.call(["list"]) == 130 and "interrupted" in capsys.readouterr().err
        assert signal.getsignal(number) is own
    finally:
        signal.signal(number, before)


def test_a_lost_terminal_that_nohup_ignores_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(main, "parser", lambda verbs: lambda *_, **__: os.kill(os.getpid(), signal.SIGHUP))
        assert main.call(["list"]) == 0
        with interrupt.Interrupt() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked.asked
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_last_word_changes_nothing(number):
    """While Python leaves, the work is done and its exit code is known."""
    late = f"import atexit, os; atexit.register(lambda: os.kill(os.getpid(), {int(number)}))"
    command = f"{late}; from snnctl.cli import main; main.main(['list', 'budgets'])"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert "nano-drone" in found.stdout
