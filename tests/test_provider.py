"""Where models run. No GPU is needed: the choice is tested, and that the CPU is what a machine without one gets."""

from pathlib import Path

import onnxruntime
import pytest
from test_reader import TEXT

from index import compiled, provider
from index.encoder import Encoder
from index.errors import UnknownSetting
from qa.reader.model import WEIGHTS, OnnxModel
from qa.settings import load

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture
def machine(monkeypatch):
    """Have onnxruntime built for this, and the driver see so many GPUs."""

    def be(available, gpus):
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
        monkeypatch.setattr(provider, "gpus", lambda: gpus)

    return be


@pytest.mark.parametrize(
    ("available", "gpus", "chosen"),
    [
        ([CPU], 0, [CPU]),
        ([CPU], 1, [CPU]),
        ([CUDA, CPU], 0, [CPU]),
        ([CUDA, CPU], 1, [CUDA, CPU]),
        (["TensorrtExecutionProvider", CUDA, CPU], 4, [CUDA, CPU]),
        (["AzureExecutionProvider", CPU], 1, [CPU]),
        (["CoreMLExecutionProvider", CPU], 0, [CPU]),
    ],
)
def test_a_gpu_is_chosen_where_it_is_built_for_and_there(machine, available, gpus, chosen):
    machine(available, gpus)
    assert provider.providers() == provider.providers("auto") == chosen
    assert provider.providers("cpu") == [CPU]
    if chosen == [CPU]:
        with pytest.raises(UnknownSetting, match=r"QA_DEVICE cannot be 'cuda', .*onnxruntime-gpu.* set QA_DEVICE=auto"):
            provider.providers("cuda")
    else:
        assert provider.providers("cuda") == chosen


def test_the_cpu_is_chosen_without_asking_what_else_there_is(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: pytest.fail("asked"))
    assert provider.providers("cpu") == [CPU]


def test_no_gpu_is_seen_where_there_is_none():
    if not Path("/proc/driver/nvidia").exists():
        assert provider.gpus() == 0


def test_the_reader_runs_where_it_is_told_to(monkeypatch):
    asked = []

    def choice(device):
        asked.append(device)
        return [CPU]

    monkeypatch.setattr("qa.reader.model.providers", choice)
    model = OnnxModel(WEIGHTS, "auto")
    assert model.read("How many U.S. troops remain in Iraq?", [TEXT]) == OnnxModel(WEIGHTS, "cpu").read(
        "How many U.S. troops remain in Iraq?", [TEXT]
    )
    assert asked == ["auto", "cpu"] and model.device == "cpu"


def test_a_gpu_that_was_asked_for_by_name_and_is_not_used_is_told(monkeypatch):
    """As where CUDA's libraries are missing: onnxruntime falls back and says nothing."""
    monkeypatch.setattr("qa.reader.model.providers", lambda device: [CPU])
    with pytest.raises(UnknownSetting, match="libraries cannot be loaded"):
        OnnxModel(WEIGHTS, "cuda").read("Who?", [TEXT])


def test_another_device_is_refused():
    with pytest.raises(UnknownSetting, match="QA_DEVICE cannot be 'tpu'"):
        load(device="tpu")


def test_the_encoder_runs_where_it_is_told_to(monkeypatch, machine):
    asked = []
    session = compiled.session
    monkeypatch.setattr(compiled, "session", lambda file, wanted: asked.append(wanted) or session(file, [CPU]))
    machine([CUDA, CPU], 1)
    assert Encoder(device="auto").query("x").shape == (384,)
    with pytest.raises(UnknownSetting, match="QA_DEVICE cannot be 'cuda', its libraries cannot be loaded"):
        Encoder(device="cuda").query("x")  # onnxruntime fell back to the CPU
    machine([CPU], 0)
    assert Encoder(device="cpu").query("x").shape == (384,)
    with pytest.raises(UnknownSetting, match="QA_DEVICE cannot be 'cuda', onnxruntime is built without it"):
        Encoder(device="cuda").query("x")
    assert asked == [[CUDA, CPU], [CUDA, CPU], [CPU]]
