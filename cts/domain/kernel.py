"""The one way a function becomes machine code, and the array types kernels speak."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Sides = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at first call, keep the code on disk, hold no interpreter lock while it runs.

    The disk cache looks only at the file of the function itself: kernels that call each other belong in one file, or
    an edit of the callee leaves the caller on old code.
    """
    return cast(Callable[P, R], numba.njit(nogil=True, cache=True)(function))
