"""Networks in onnxruntime, which reports to its maker unless it is told not to before it is loaded; its only home.

A network runs on one text at a time and on one core, and the texts are shared out among the cores. The scales of int8
depend on all that is read at once, so what is read alone comes out the same in whatever company; nothing is padded;
and on two cores six passages take two thirds of the time of one batch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_AHEAD = 32  # results that wait to be taken, which bounds memory

Item = TypeVar("Item")
Made = TypeVar("Made")


def onnxruntime() -> ModuleType:
    """Return the module, telling nobody anything: from 1.29 on its builds send events to Microsoft by default."""
    loaded = "onnxruntime" in sys.modules  # by somebody else: its first event is out, no other follows
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    if loaded:
        onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module


def session(file: Path, providers: Sequence[str] = ("CPUExecutionProvider",)) -> Any:
    """Load a network, one run of which uses one core.

    Args:
        providers: What it may run on, the best first; see `index.provider`.

    Raises:
        Exception: Whatever onnxruntime throws, of no common class.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(str(file), options, providers=list(providers))


def spread(work: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[Made]:
    """Yield what is made of each item, in their order, on all cores."""
    if len(items) == 1 or _CORES == 1:
        yield from map(work, items)
        return
    for at in range(0, len(items), _AHEAD):
        yield from _threads().map(work, items[at : at + _AHEAD])


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CORES, thread_name_prefix="network")
