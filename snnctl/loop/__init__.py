"""The closed loop: controller and robot step by step, with its statistics, recorder and video."""
