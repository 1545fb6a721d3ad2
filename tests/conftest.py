"""What every test shares: an environment of its own, and one name for what needs the compiler."""

import os
from pathlib import Path

import pytest

from snnctl.robots import rendering
from tests.interpreted import INTERPRETED

TESTS = Path(__file__).parent
# What calls compiled code most directly: .ci/coverage runs it again, interpreted, so that its lines are seen.
KERNELS = (
    "agent/test_actor_critic.py",
    "agent/test_decision.py",
    "coding",
    "conformance",
    "hardware",
    "network/test_engine.py",
    "network/test_learning.py",
    "neurons",
    "plasticity",
    "spike_trains",
    "surrogate",
)


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "needs_compiler: measures what only compiled kernels can do in reasonable time, or the compiler's own cache;"
        " skipped with NUMBA_DISABLE_JIT=1",
    )
    config.addinivalue_line("markers", "kernels: belongs to the tests of kernels, which run interpreted as well")
    config.addinivalue_line("markers", "needs_gl: draws; skipped where no OpenGL library (EGL or OSMesa) works")


def pytest_collection_modifyitems(items):
    assert all((TESTS / place).exists() for place in KERNELS), "KERNELS names what is not there"
    for item in items:
        if any(item.path.is_relative_to(TESTS / place) for place in KERNELS):
            item.add_marker(pytest.mark.kernels)
    if INTERPRETED:
        skip = pytest.mark.skip(reason="needs compiled kernels (NUMBA_DISABLE_JIT is set)")
        for item in items:
            if item.get_closest_marker("needs_compiler"):
                item.add_marker(skip)


def pytest_runtest_setup(item):
    if item.get_closest_marker("needs_gl") and not any(rendering.works(name) for name in rendering.CANDIDATES):
        pytest.skip("needs OpenGL: install libegl1 or libosmesa6")


@pytest.fixture(autouse=True)
def environment_variables():
    """Put back what a test, or the code it calls, wrote into the environment."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
