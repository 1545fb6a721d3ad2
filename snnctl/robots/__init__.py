"""Robots as data: ``task.toml`` + ``robot.xml`` -> a Gymnasium environment.

Importing this package tells Gymnasium of every robot folder that the library finds, because that is
what ``gymnasium.make("snnctl.robots:snnctl/Balancer-v0")`` imports it for.
"""

from __future__ import annotations

from snnctl.robots.folders import register_all

register_all()
