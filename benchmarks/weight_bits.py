"""What is left of an agent's return on Loihi 1 with fewer bits of weight.

    python benchmarks/weight_bits.py [AGENT ...] [--bits 8 6 4 3 2] [--episodes 20]

Each figure is the mean return over paired episodes (the same seeds for every number of bits), and its share of the
return in floating point; "misfit" is an agent that the chip with so few bits refuses, by the rule in brackets.
"""

from __future__ import annotations

import argparse
import dataclasses

AGENTS = ("cartpole-ppo", "pendulum-ppo", "balancer-ppo", "hopper-sac", "half-cheetah-sac")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", default=AGENTS, metavar="AGENT", help="names or folders")
    parser.add_argument("--bits", type=int, nargs="+", default=(8, 6, 4, 3, 2))
    parser.add_argument("--episodes", type=int, default=20)
    options = parser.parse_args()

    import snnctl
    from snnctl import api
    from snnctl.errors import MappingError
    from snnctl.hardware import chip, fit

    loihi = chip.load("loihi1")
    print(f"| agent | float | {' | '.join(f'{bits} bits' for bits in options.bits)} |")
    print(f"|---|---|{'---|' * len(options.bits)}")
    for name in options.agents:
        agent, cells, base = api.agent(name), [], None
        for bits in options.bits:
            changed = dataclasses.replace(loihi.limits["weight_bits"], value=bits)
            target = dataclasses.replace(loihi, limits=loihi.limits | {"weight_bits": changed})
            try:
                found = snnctl.evaluate(agent, chip=target, episodes=options.episodes)
            except MappingError:
                from snnctl.agent.program import program

                rules = sorted({violation.rule for violation in fit(program(agent), target).violations})
                cells.append(f"misfit ({', '.join(rules)})")
                continue
            base = found.float_summary.mean
            cells.append(f"{found.chip_summary.mean:.1f} ({found.chip_summary.mean / base:.1%})")
        print(
            f"| `{agent.description.name}` | {'-' if base is None else f'{base:.1f}'} | {' | '.join(cells)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
