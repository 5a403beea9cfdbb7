"""What all tests share: no network, no settings from outside, and one library over seeds/."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
GOLD = ROOT / "tests" / "gold"

os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", LANGSMITH_TRACING="false")
for name in [name for name in os.environ if name.startswith("QA_")]:
    del os.environ[name]

_connect = socket.socket.connect


def _local(self, address):
    host = address[0] if isinstance(address, tuple) else ""
    if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"a test reached for {host}: nothing may leave the machine")
    return _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def offline():
    """Fail a test that connects to another host."""
    socket.socket.connect = _local
    yield
    socket.socket.connect = _connect


@pytest.fixture(scope="session")
def seeds(tmp_path_factory, offline):
    """An assistant over seeds/, with the real encoder, a real Chroma and a real SQLite file."""
    from qa import Assistant

    with Assistant.open(SEEDS, tmp_path_factory.mktemp("seeds") / "library", progress=False) as assistant:
        yield assistant


@pytest.fixture(scope="session")
def real_article():
    """The folder with the user's own article; it is not part of the project."""
    folder = ROOT.parent / "shared" / "articles"
    if not folder.is_dir():
        pytest.skip("the user's own article is not here")
    return folder
