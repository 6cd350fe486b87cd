"""How the loops are compiled: by numba, cached on disk, so that a process compiles only what changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite.ir import Constant
from numba.core.types import NoneType
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

_COMPILED = re.compile(rb"^@(jit|entry|needs)\b", re.MULTILINE)
_STAMP = tuple(
    (file.name, file.stat().st_mtime_ns, file.stat().st_size)
    for file in sorted(Path(__file__).parent.glob("*.py"))
    if file.samefile(__file__) or _COMPILED.search(file.read_bytes())
)
"""Of the modules that have compiled functions: a change of another one costs no compiling."""


def jit(function: Callable[..., Any]) -> Any:
    """Compile this function for others that are compiled. Python must not call it: there would be nothing to call.

    The way in from Python is a large part of compiling, as it takes every array of a simulation apart.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry(function: Callable[..., Any]) -> Any:
    """Compile this function when Python first calls it, or take it from the cache."""
    return _compiled(function)


def _compiled(function: Callable[..., Any], **options: bool) -> Any:
    """As numba does, but for what is believed of its cache.

    numba believes a cached function as long as its own file is unchanged, though what it calls is compiled into it.
    Here it is believed as long as all compiled modules of the package are.
    """
    decorate: Any = numba.njit
    compiled = decorate(cache=True, nogil=True, **options)(function)
    compiled._cache._cache_file._source_stamp = _STAMP
    return compiled


def needs(field: str, otherwise: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile this function only for a simulation, its first argument, that has this field.

    Where the field is None its answer is `otherwise`, without any code: what a policy doesn't use isn't compiled.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = jit(function)
        # numba compares names of arguments, so all have these.
        body = lambda _simulation, *_rest: compiled(_simulation, *_rest)  # noqa: E731
        constant = lambda _simulation, *_rest: otherwise  # noqa: E731

        def called(_simulation: Any, *_rest: Any) -> Any:
            raise TypeError(f"{function.__name__} is for functions that are compiled")

        def there(kind: Any) -> bool:
            return not isinstance(kind.types[kind.fields.index(field)], NoneType)

        overload(called)(lambda _simulation, *_rest: body if there(_simulation) else constant)
        return called

    return decorate


ENDLESS = np.iinfo(np.int64).max // 4
"""Later than any instant, longer than any time, more than any number of processors; adding two doesn't overflow."""

ROUNDING = 2.0**-40
"""Numbers that differ by no more than this part of what they were worked out from are equal: the rest is rounding."""


@jit
def bits(number: int) -> int:
    """How often a whole number can be halved before it is 1: its class of size. 0 for 1 and below."""
    found = 0
    while number > 1:
        number >>= 1
        found += 1
    return found


@jit
def ones(number: int) -> int:
    """How many bits of a whole number from 0 on are set."""
    found = 0
    while number:
        number &= number - 1
        found += 1
    return found


@intrinsic
def _borrowed(_context: Any, array: Any) -> Any:
    """The same array without its count of references, which would be raised and lowered for every array at every call.

    Only for the time of a call whose caller keeps the array. None stays None.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if isinstance(array, NoneType):
            return arguments[0]
        view = make_array(signature.return_type)(context, builder, arguments[0])
        view.meminfo = Constant(view.meminfo.type, None)
        view.parent = Constant(view.parent.type, None)
        return view._getvalue()

    return array(array), code


borrowed: Any = _borrowed
