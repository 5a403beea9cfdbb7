"""Networks in onnxruntime, which reports to its maker unless it is told not to before it is loaded; its only home."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


def onnxruntime() -> ModuleType:
    """Return the module, telling nobody anything: from 1.29 on its builds send events to Microsoft by default."""
    loaded = "onnxruntime" in sys.modules  # by somebody else: its first event is out, no other follows
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    if loaded:
        onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module


def session(file: Path, threads: int, providers: Sequence[str] = ("CPUExecutionProvider",)) -> Any:
    """Load a network.

    Args:
        threads: Cores that one run uses.
        providers: What it may run on, the best first; see `index.provider`.

    Raises:
        Exception: Whatever onnxruntime throws, of no common class.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to others
    return runtime.InferenceSession(str(file), options, providers=list(providers))
