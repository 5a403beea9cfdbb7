"""Where onnxruntime runs a model: on an NVIDIA GPU where one is there and can be used, else on the CPU."""

from __future__ import annotations

import ctypes
from typing import Any, Literal

from index.errors import UnknownSetting
from index.runtime import onnxruntime

Device = Literal["auto", "cpu", "cuda"]
"""What can be asked for; `auto` takes a GPU if there is one."""

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_NEEDED = "it needs an NVIDIA GPU with its driver and CUDA, and `pip install onnxruntime-gpu` in place of onnxruntime"


def providers(device: Device = "auto") -> list[str]:
    """Return the providers that onnxruntime is to be given, the best one first and the CPU last.

    Raises:
        UnknownSetting: A GPU is asked for by name and cannot be had.
    """
    if device == "cpu":
        return [_CPU]
    built = _CUDA in onnxruntime().get_available_providers()  # it says what it was built for, not what is there
    if built and gpus():
        return [_CUDA, _CPU]
    if device == "cuda":
        found = "there is no GPU" if built else "onnxruntime is built without it"
        raise UnknownSetting(f"QA_DEVICE cannot be 'cuda', {found}; {_NEEDED}, or set QA_DEVICE=auto.")
    return [_CPU]


def runs_on(session: Any, device: Device = "auto") -> str:
    """Return where a session came to run, `cpu` or `cuda`; onnxruntime falls back to the CPU without an error.

    Raises:
        UnknownSetting: A GPU was asked for by name and is not used.
    """
    where = "cuda" if _CUDA in session.get_providers() else "cpu"
    if device == "cuda" and where == "cpu":
        raise UnknownSetting(
            f"QA_DEVICE cannot be 'cuda', its libraries cannot be loaded; {_NEEDED}, or set it to auto."
        )
    return where


def gpus() -> int:
    """Return how many GPUs NVIDIA's driver sees."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int()
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0
