"""What experience is kept in and scaled by: replay memory, the file of its rows, return scale, held noise."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import InputError, OutputError, StorageError
from snnctl.training import replay, rows_file, run_folder
from snnctl.training.algorithm import Rows
from snnctl.training.held_noise import LONGEST, HeldNoise
from snnctl.training.return_scale import ReturnScale

CAPACITY, DIMS, ACTIONS = 7, 3, 2


def filled(total: int) -> np.ndarray:
    ring = replay.allocate(CAPACITY, DIMS, ACTIONS)
    for n in range(total):
        s = np.full(DIMS, n)
        assert replay.add(ring, n, s, np.full(ACTIONS, 0.1 * n), 10.0 * n, n % 2 == 1, s + 1) == n + 1
    return ring


def test_the_newest_transitions_are_kept_whole() -> None:
    found = replay.transitions(filled(10), DIMS)
    assert sorted(found.observations[:, 0]) == list(range(3, 10))
    np.testing.assert_array_equal(found.following, found.observations + 1)
    np.testing.assert_array_equal(found.rewards, 10 * found.observations[:, 0])
    np.testing.assert_array_equal(found.ended, found.observations[:, 0] % 2)
    np.testing.assert_allclose(found.actions, 0.1 * found.observations[:, :2], rtol=1e-6)


@pytest.mark.parametrize(("total", "first"), [(4, 0), (10, 3)])
def test_draws_are_even_over_what_is_there(total: int, first: int) -> None:
    rows = np.zeros((30_000, 2 * DIMS + ACTIONS + 2), np.float32)
    replay.draw(filled(total), total, np.random.default_rng(0), rows)
    counts = Counter(rows[:, 0].astype(int).tolist())
    assert set(counts) == set(range(first, total))
    expected = len(rows) / len(counts)
    assert max(abs(count - expected) for count in counts.values()) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("saves", [(3, 5, 20), (0, 7, 8), (6, 14, 21), (20,), (1, 15, 16)])
def test_a_file_of_rows_grows_and_gives_them_back(tmp_path: Path, saves: tuple[int, ...]) -> None:
    path, since = tmp_path / "replay.rows", 0
    for total in saves:
        rows_file.append(path, Rows(total, filled(total)), since)
        since = total
        width = 2 * DIMS + ACTIONS + 2
        assert path.stat().st_size == total * width * 4
        rows = rows_file.cut(path, total, width, "<f4")
        ring = filled(total)
        for n in range(max(0, total - CAPACITY), total):
            np.testing.assert_array_equal(rows.ring[n % len(rows.ring)], ring[n % CAPACITY])


def test_a_longer_file_is_cut_and_a_shorter_one_refused(tmp_path: Path) -> None:
    path, width = tmp_path / "replay.rows", 2 * DIMS + ACTIONS + 2
    rows_file.append(path, Rows(5, filled(5)), 0)
    with path.open("ab") as file:
        file.write(b"cut off in a write")
    assert rows_file.cut(path, 5, width, "<f4").total == 5
    assert path.stat().st_size == 5 * width * 4
    rows_file.cut(path, 4, width, "<f4")
    rows_file.append(path, Rows(6, filled(6)), 4)
    np.testing.assert_array_equal(rows_file.cut(path, 6, width, "<f4").ring, filled(6)[:6])
    with pytest.raises(InputError, match="has 240 bytes, the checkpoint needs 280"):
        rows_file.cut(path, 7, width, "<f4")
    with pytest.raises(InputError, match="has 0 bytes"):
        rows_file.cut(tmp_path / "absent.rows", 1, width, "<f4")
    assert rows_file.cut(tmp_path / "absent.rows", 0, width, "<f4").ring.shape == (0, width)


def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="intact"):
        rows_file.append(tmp_path, Rows(1, filled(1)), 0)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "entry").touch()
    with pytest.raises(OutputError, match="cannot be opened"):
        rows_file.cut(tmp_path / "full", 0, 1, "<f4")


def test_the_scale_is_that_of_discounted_returns_of_all_episodes() -> None:
    random, scale, returns, episode = np.random.default_rng(0), ReturnScale(0.9, 5.0), [], 0.0
    assert scale.scale > 0
    for step in range(300):
        reward, ended = random.normal(1.0), step % 37 == 36
        episode = 0.9 * episode + reward
        returns.append(episode)
        scale.add(reward, ended)
        episode = 0.0 if ended else episode
    assert scale.scale == pytest.approx(np.std(returns)) and np.std(returns) > max(returns) / 5
    scale.add(1000.0, True)
    assert scale.scale == pytest.approx((1000 + 0.9 * episode) / 5)
    assert scale.numbers[4] == 0


def test_environments_side_by_side_have_returns_of_their_own_and_one_scale() -> None:
    random, scale = np.random.default_rng(0), ReturnScale(0.9, 100.0, 3)
    returns, running = [], np.zeros(3)
    for step in range(200):
        rewards, ended = random.normal([0.0, 1.0, 50.0]), [step % 10 == 9, step % 17 == 16, False]
        running = 0.9 * running + rewards
        returns.append(running.copy())
        for env in range(3):
            scale.add(float(rewards[env]), ended[env], env)
        running[ended] = 0.0
    assert scale.scale == pytest.approx(np.std(returns))
    np.testing.assert_allclose(scale.numbers[4:], running, rtol=1e-12)


def test_noise_is_held_for_zeta_distributed_times() -> None:
    held, random, lengths = HeldNoise(2), np.random.default_rng(1), []
    before = None
    for _ in range(40_000):
        noise = held.next(random)
        if before is None or not np.array_equal(noise, before):
            lengths.append(0)
            before = noise.copy()
        lengths[-1] += 1
    counts = np.bincount(lengths[:-1], minlength=LONGEST + 1)[1:]
    expected = np.arange(1, LONGEST + 1) ** -2.0
    np.testing.assert_allclose(counts / counts.sum(), expected / expected.sum(), atol=0.01)
    assert counts[-1] > 0


def test_a_disk_must_hold_three_checkpoints_and_the_rows_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=400))
    run_folder.require_space(tmp_path, 100, 100)
    with pytest.raises(OutputError, match="has 400 bytes free, training needs 401"):
        run_folder.require_space(tmp_path, 100, 101)
