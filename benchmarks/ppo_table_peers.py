"""PPO of stable-baselines3 on the tasks of ppo_table.py, with the same evaluations; adds rows to ``results/ppo``.

    python -m venv peers && peers/bin/pip install torch stable-baselines3 'gymnasium[box2d,mujoco]'
    nice peers/bin/python benchmarks/ppo_table_peers.py [--settings zoo|default] [--envs ID ...] [--seeds K ...]

``zoo``: the tuned settings of rl-baselines3-zoo (DLR-RM/rl-baselines3-zoo, hyperparams/ppo.yml at 00128b5: its entries
HalfCheetah-v3, Hopper-v3 and LunarLander-v2), with 200 000 steps in place of a million. ``default``: those of the
class, with VecNormalize for MuJoCo. One thread. A seed that is already in the file is not trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

RESULTS = Path(__file__).parent / "results" / "ppo"
STEPS, EVERY = 200_000, 20_000
EPISODE_SEEDS = list(range(10_000, 10_010))

_RELU = {
    "log_std_init": -2,
    "ortho_init": False,
    "activation_fn": torch.nn.ReLU,
    "net_arch": {"pi": [256, 256], "vf": [256, 256]},
}
ZOO: dict[str, tuple[int, bool, dict[str, Any]]] = {  # environments, VecNormalize, arguments of PPO
    "HalfCheetah-v5": (
        1,
        True,
        {
            "batch_size": 64, "n_steps": 512, "gamma": 0.98, "learning_rate": 2.0633e-05, "ent_coef": 0.000401762,
            "clip_range": 0.1, "n_epochs": 20, "gae_lambda": 0.92, "max_grad_norm": 0.8, "vf_coef": 0.58096,
            "policy_kwargs": _RELU,
        },
    ),
    "Hopper-v5": (
        1,
        True,
        {
            "batch_size": 32, "n_steps": 512, "gamma": 0.999, "learning_rate": 9.80828e-05, "ent_coef": 0.00229519,
            "clip_range": 0.2, "n_epochs": 5, "gae_lambda": 0.99, "max_grad_norm": 0.7, "vf_coef": 0.835671,
            "policy_kwargs": _RELU,
        },
    ),
    "LunarLander-v3": (
        16,
        False,
        {"n_steps": 1024, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999, "n_epochs": 4, "ent_coef": 0.01},
    ),
}  # fmt: skip
DEFAULT: dict[str, tuple[int, bool, dict[str, Any]]] = {
    "HalfCheetah-v5": (1, True, {}),
    "Hopper-v5": (1, True, {}),
    "LunarLander-v3": (1, False, {}),
}


class Evaluations(BaseCallback):
    """Plays the evaluation episodes greedily at the end of the rollouts that reach the next multiple of EVERY."""

    def __init__(self, env_id: str, normalised: VecNormalize | None, write: Any) -> None:
        super().__init__()
        self.env, self.normalised, self.write, self.next = gymnasium.make(env_id), normalised, write, EVERY

    def _on_step(self) -> bool:
        return True

    def judge(self) -> None:
        """After the update that belongs to the rollouts so far."""
        returns = []
        for seed in EPISODE_SEEDS:
            observation, _ = self.env.reset(seed=seed)
            total, ended, out_of_time = 0.0, False, False
            while not (ended or out_of_time):
                seen = observation if self.normalised is None else self.normalised.normalize_obs(observation)
                action, _ = self.model.predict(seen, deterministic=True)
                observation, reward, ended, out_of_time, _ = self.env.step(action)
                total += float(reward)
            returns.append(total)
        self.write(self.model.num_timesteps, returns)

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps >= self.next:
            self.judge()
            self.next = (self.model.num_timesteps // EVERY + 1) * EVERY

    def _on_training_end(self) -> None:
        self.judge()


def train(env_id: str, settings: str, seed: int) -> None:
    """Train one seed, one row an evaluation."""
    algorithm = f"sb3-ppo-{settings}"
    path = RESULTS / f"{algorithm}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if any(row["env"] == env_id and row["seed"] == seed for row in done):
        return
    count, normalised, arguments = (ZOO if settings == "zoo" else DEFAULT)[env_id]
    rows: list[dict[str, Any]] = []

    def write(steps: int, returns: list[float]) -> None:
        row = {"env": env_id, "algorithm": algorithm, "actor": "dense", "seed": seed, "steps": steps}
        rows.append(row | {"returns": [round(r, 3) for r in returns], "episode_seeds": EPISODE_SEEDS})
        print(env_id, algorithm, seed, steps, round(sum(returns) / len(returns), 1), flush=True)

    start_s = time.monotonic()
    environment: Any = make_vec_env(env_id, n_envs=count, seed=seed)
    if normalised:
        environment = VecNormalize(environment, gamma=arguments.get("gamma", 0.99))
    model = PPO("MlpPolicy", environment, seed=seed, device="cpu", **arguments)
    model.learn(STEPS, callback=Evaluations(env_id, environment if normalised else None, write))
    print(env_id, algorithm, seed, f"{time.monotonic() - start_s:.0f} s", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def main() -> None:
    """Train the chosen seeds, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", choices=("zoo", "default"), default="zoo")
    parser.add_argument("--envs", nargs="+", choices=tuple(ZOO), default=list(ZOO))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for seed in chosen.seeds:
        for env_id in chosen.envs:
            train(env_id, chosen.settings, seed)


if __name__ == "__main__":
    main()
