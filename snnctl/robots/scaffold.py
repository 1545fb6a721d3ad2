"""The start of a robot of one's own: a folder that works as it is, to be changed piece by piece."""

from __future__ import annotations

import re
from pathlib import Path

from snnctl.errors import InputError, OutputError, Problem
from snnctl.robots.folders import camel_case
from snnctl.storage import ensure_writable, write_atomic


def scaffold(name: str, out: Path) -> Path:
    """Write ``out/name`` with ``robot.xml``, ``task.toml`` and ``README.md``; return the folder.

    The robot is a pole on a motorised cart. Raises:
        InputError: the name cannot be a folder and a Gymnasium id.
        OutputError: the folder exists already or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name) or len(name) > 64:
        remedy = "take lower-case letters, digits and single hyphens, a letter first, such as my-robot"
        raise InputError(Problem(f"name '{name[:80]}'", "cannot name a robot", remedy))
    folder = out / name
    if folder.exists():
        raise OutputError(Problem(str(folder), "exists already", "choose another name, or remove it first"))
    ensure_writable(out)
    ensure_writable(folder)
    write_atomic(folder / "robot.xml", _ROBOT.replace("NAME", name))
    write_atomic(folder / "README.md", _README.replace("TITLE", camel_case(name)).replace("NAME", name))
    write_atomic(folder / "task.toml", _TASK)
    return folder


_ROBOT = """\
<mujoco model="NAME">
  <!-- A pole on a motorised cart. SI units, angles in radians. Replace it by your robot; keep the names that
       task.toml uses. Meshes go into this folder and are named relative to this file. -->
  <compiler angle="radian" autolimits="true"/>
  <option integrator="implicitfast"/>

  <worldbody>
    <light pos="0 -1 3" dir="0 0.3 -1"/>
    <geom name="ground" type="plane" pos="0 0 -0.1" size="5 5 0.1" rgba="0.8 0.82 0.85 1" contype="0" conaffinity="0"/>
    <camera name="side" pos="0 -2.4 0.6" xyaxes="1 0 0 0 0.15 1"/>
    <body name="cart">
      <joint name="rail" type="slide" axis="1 0 0" range="-1.2 1.2" damping="0.5"/>
      <geom type="box" size="0.1 0.06 0.04" mass="1" rgba="0.15 0.2 0.3 1" contype="0" conaffinity="0"/>
      <body name="pole">
        <joint name="hinge" type="hinge" axis="0 1 0" damping="0.002"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.6" size="0.015" mass="0.15" rgba="0.95 0.5 0.2 1"
              contype="0" conaffinity="0"/>
        <site name="imu" pos="0 0 0.3"/>
      </body>
    </body>
  </worldbody>

  <actuator>
    <motor name="drive" joint="rail" ctrlrange="-10 10"/>
  </actuator>

  <sensor>
    <gyro name="gyro" site="imu"/>
    <jointpos name="encoder" joint="rail"/>
  </sensor>
</mujoco>
"""

_TASK = """\
# What the robot senses, does and is rewarded for. Every key is explained in docs/robots.md.
# Test it with `snnctl check`; raise `version` when you change what a result means.
schema = 1
version = 0
description = "Keep the pole upright and the cart near the middle for 10 s."
xml = "robot.xml"

[clock]
control_dt_s = "20ms"  # one decision of the controller
physics_dt_s = "2ms"  # must divide it by an integer
max_episode_s = "10s"

# Numbers read from the simulation, named once and used below. Kinds: sensor, joint_position, joint_velocity,
# body_position, body_angle, body_distance, control, python (function = "module:function").
[quantities]
tilt = { kind = "joint_position", joint = "hinge" }
tilt_rate = { kind = "sensor", sensor = "gyro", component = 1 }
place = { kind = "sensor", sensor = "encoder" }
speed = { kind = "joint_velocity", joint = "rail" }

# What the controller sees: clip(scale * quantity + offset + noise * N(0, 1), low, high).
# Choose scale so that ordinary values lie within -1 to 1.
[[observation]]
quantity = "tilt"
scale = 4.0
low = -5.0
high = 5.0

[[observation]]
quantity = "tilt_rate"
scale = 0.5
noise = 0.01
low = -5.0
high = 5.0

[[observation]]
quantity = "place"
low = -5.0
high = 5.0

[[observation]]
quantity = "speed"
scale = 0.5
low = -5.0
high = 5.0

# What it does: control = scale * clip(action, -1, 1), in the actuator's unit.
[[action]]
actuator = "drive"
scale = 10.0
unit = "N"

# A product of numbers in [0, 1]: 1 inside [low, high], value_at_margin a margin outside.
[reward]
combine = "product"

[[reward.terms]]
kind = "tolerance"
name = "upright"
quantity = "tilt"
low = -0.05
high = 0.05
margin = 0.4

[[reward.terms]]
kind = "tolerance"
name = "centred"
quantity = "place"
low = -0.1
high = 0.1
margin = 1.0
floor = 0.5  # off centre costs at most half

# When it has failed.
[[termination]]
name = "fell"
quantity = "tilt"
low = -0.8
high = 0.8

# Where it starts: uniform noise around the pose of the MJCF.
[[reset.noise]]
kind = "joint"
joint = "hinge"
position = 0.05
velocity = 0.05

# A push every 2 s, to the right and to the left in turn.
[[disturbance]]
name = "push"
body = "pole"
impulse_ns = 0.02
duration_s = "40ms"
every_s = "2s"
first_s = "1s"
directions = [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]

[render]
camera = "side"
"""

_README = """\
# TITLE

A pole on a motorised cart. Gymnasium id `snnctl/TITLE-v0`; here simply `NAME`.

## Action space

| Num | Action | Min | Max | Name in `robot.xml` | Joint | Unit |
|---|---|---|---|---|---|---|
| 0 | force on the cart / 10 | -1 | 1 | `drive` | slide `rail` | 10 N |

## Observation space

| Num | Observation | Scale | Name in `robot.xml` | Unit |
|---|---|---|---|---|
| 0 | tilt of the pole | 4 | joint `hinge` | rad |
| 1 | tilt rate | 0.5 | sensor `gyro`, y | rad/s |
| 2 | place of the cart | 1 | sensor `encoder` | m |
| 3 | speed of the cart | 0.5 | joint `rail` | m/s |

## Rewards

The product of `upright` and `centred`, at most 1 a step.

## Episode end

Termination when the pole leans more than 0.8 rad; truncation after 10 s.

## Version history

- v0: initial version.
"""
