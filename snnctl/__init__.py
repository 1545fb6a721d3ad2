"""snnctl: train spiking controllers for robots, run them in closed loop, evaluate them on chips."""

from snnctl import runtime

__version__ = "0.1.0"

runtime.prepare()
