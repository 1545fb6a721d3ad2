"""What happens when numba is imported: scipy's BLAS without its linear algebra."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_runtime import run

pytestmark = pytest.mark.needs_compiler

PRODUCT = """
import sys
import snnctl, numpy as np
from numba import njit
a = np.arange(6.0).reshape(2, 3)
found = njit(lambda a: np.dot(a, a.T))(a)
assert (found == a @ a.T).all()
"""


def test_products_in_kernels_need_no_linear_algebra_of_scipy(tmp_path: Path) -> None:
    assert run(PRODUCT + "print('scipy.linalg' in sys.modules)", tmp_path) == "False"


def test_linear_algebra_of_scipy_works_all_the_same(tmp_path: Path) -> None:
    solve = "import scipy.linalg; from scipy.linalg import cython_blas, blas"
    solve += "; print(abs(scipy.linalg.solve(a @ a.T, found)).round(9).tolist(), blas.ddot([1.0, 2.0], [3.0, 4.0]))"
    assert run(PRODUCT + solve, tmp_path) == "[[1.0, 0.0], [0.0, 1.0]] 11.0"
    assert run(solve.partition(";")[0] + PRODUCT + "print('scipy.linalg' in sys.modules)", tmp_path) == "True"


def test_a_scipy_whose_parts_lie_elsewhere_is_imported_by_numba(tmp_path: Path) -> None:
    elsewhere = "import scipy; places = scipy.__path__; finder = __import__('importlib.machinery').machinery.PathFinder"
    elsewhere += "; old = finder.find_spec; finder.find_spec = lambda name, *rest: "
    elsewhere += "old(name, *rest) if name != 'scipy.linalg.cython_blas' or 'scipy.linalg' in sys.modules else None\n"
    told = run("import sys\n" + elsewhere + PRODUCT + "print('scipy.linalg' in sys.modules)", tmp_path)
    assert told == "True"
