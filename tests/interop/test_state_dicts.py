"""State dicts: which stack of layers is the actor, the normaliser of rsl_rl, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from snnctl.errors import PolicyError
from snnctl.interop import importing

RANDOM = np.random.default_rng(0)


def stack(prefix: str, *sizes: int) -> dict[str, np.ndarray]:
    """Weights and biases of linear layers with an activation between each two."""
    made = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        made[f"{prefix}{2 * layer}.weight"] = RANDOM.normal(size=(n_out, n_in)).astype(np.float32)
        made[f"{prefix}{2 * layer}.bias"] = RANDOM.normal(size=n_out).astype(np.float32)
    return made


def read(tmp_path: Path, tensors: dict[str, np.ndarray]) -> importing.Policy:
    save_file(tensors, tmp_path / "p.safetensors")
    return importing.read(tmp_path / "p.safetensors", None, importing.told("elu", ""))


def test_the_actor_of_rsl_rl_and_its_normaliser(tmp_path: Path) -> None:
    actor = stack("actor.", 3, 5, 4, 2)
    mean, std = np.array([[1.0, 2.0, 3.0]], np.float32), np.array([[0.5, 1.0, 2.0]], np.float32)
    more = {"actor_obs_normalizer._mean": mean, "actor_obs_normalizer._std": std, "std": np.ones(2, np.float32)}
    policy = read(tmp_path, {**actor, **stack("critic.", 3, 5, 1), **more})
    assert policy.sizes == (3, 5, 4, 2) and policy.activation == "elu" and policy.either
    assert policy.normalisation is not None
    np.testing.assert_array_equal(policy.normalisation.mean, mean[0])
    np.testing.assert_allclose(policy.normalisation.std, std[0] + 0.01)
    np.testing.assert_array_equal(policy.layers[1].weight, actor["actor.2.weight"].T)


def test_a_bare_sequential_and_one_of_stable_baselines3(tmp_path: Path) -> None:
    assert read(tmp_path, stack("", 3, 5, 2)).sizes == (3, 5, 2)
    names = {f"actor.mu.{part}": np.ones(shape, np.float32) for part, shape in (("weight", (1, 5)), ("bias", (1,)))}
    names |= {f"actor.log_std.{part}": np.ones(shape, np.float32) for part, shape in (("weight", (1, 5)), ("bias", 1))}
    policy = read(tmp_path, {**stack("actor.latent_pi.", 3, 4, 5), **names})
    assert policy.sizes == (3, 4, 5, 1) and policy.output == "tanh"


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({**stack("a.", 3, 2), **stack("b.", 3, 2)}, "several stacks of layers: a, b"),
        ({"x": np.ones(3, np.float32)}, "no stack of linear layers"),
        ({**stack("actor.", 3, 5, 2), "actor.1.weight": np.ones(5, np.float32)}, "other than one activation"),
        ({**stack("actor.", 3, 5, 2), "actor.0.running_mean": np.ones(5, np.float32)}, "it is not a linear layer"),
        ({**stack("actor.", 3, 5), **{"actor.4.weight": np.ones((2, 5), np.float32)}}, "other than one activation"),
        ({**stack("actor.", 3, 5, 2), "actor.2.weight": np.ones((2, 4), np.float32)}, "takes 4 numbers"),
        ({**stack("actor.", 3, 2), "actor.0.bias": np.full(2, np.nan, np.float32)}, "not finite"),
        ({**stack("actor.", 3, 2), "actor.0.weight": np.ones((2, 3), np.int64)}, "not of floating point"),
    ],
)
def test_what_is_not_a_stack_is_refused(tensors: dict[str, np.ndarray], told: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, tensors)
    assert told in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)
