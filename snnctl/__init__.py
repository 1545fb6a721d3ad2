"""snnctl: train spiking controllers for robots, run them in closed loop, evaluate them on chips."""

__version__ = "0.1.0"
