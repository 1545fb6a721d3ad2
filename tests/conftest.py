"""What every test shares: an environment of its own, and one name for what needs the compiler."""

import os

import numba
import pytest

from snnctl.robots import rendering

INTERPRETED = bool(numba.config.DISABLE_JIT)


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "needs_compiler: measures what only compiled kernels can do in reasonable time, or the compiler's own cache;"
        " skipped with NUMBA_DISABLE_JIT=1",
    )
    config.addinivalue_line("markers", "needs_gl: draws; skipped where no OpenGL library (EGL or OSMesa) works")


def pytest_collection_modifyitems(items):
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
