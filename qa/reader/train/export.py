"""A trained network to the files that the product ships: int8 ONNX, tokenizer, manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from index.runtime import onnxruntime
from qa.reader.train.network import Network

FILES = ("reader.onnx", "tokenizer.json")


def export(network: Network, tokenizer: Path, out: Path, *, quantised: bool = True) -> Path:
    """Write `reader.onnx` and `tokenizer.json` into a folder and return the former."""
    import onnx

    onnxruntime()  # before anything of it is imported
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out.mkdir(parents=True, exist_ok=True)
    network = network.eval().float()
    ids = torch.ones(2, 24, dtype=torch.long)
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=8, max=512)
    shape = {0: batch, 1: length}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        program = torch.onnx.export(
            network,
            (ids, torch.zeros_like(ids), torch.ones_like(ids)),
            dynamo=True,
            input_names=["ids", "types", "mask"],
            output_names=["pieces", "whole"],
            dynamic_shapes={"ids": shape, "types": shape, "mask": shape},
            verbose=False,
        )
        assert program is not None
        program.save(str(whole))
        graph = onnx.load(str(whole))
        del graph.graph.value_info[:]  # the exporter's notes on shapes contradict the quantiser's
        onnx.save(graph, str(whole))
        target = out / "reader.onnx"
        if quantised:
            sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
            hidden = network.encoder.config.hidden_size
            # The first layer's large activations lose most in int8, and the file has room for this one matrix in fp32.
            spared = next(
                node.name
                for node in graph.graph.node
                if node.op_type == "MatMul" and sizes.get(node.input[1]) == (4 * hidden, hidden)
            )
            quantize_dynamic(
                str(whole), str(target), weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=[spared]
            )
        else:
            shutil.copy(whole, target)
    shutil.copy(tokenizer, out / "tokenizer.json")
    return target


def seal(out: Path, calibration: Mapping[str, Any], trained: Mapping[str, Any]) -> None:
    """Write `manifest.json`: the files' SHA-256, the calibration, and how the network was trained."""
    files = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES}
    manifest = {"files": files, "calibration": dict(calibration), "trained": dict(trained)}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
