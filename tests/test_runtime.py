"""onnxruntime reports to nobody."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from index import compiled

ROOT = Path(__file__).parents[1]


def test_nothing_is_kept_or_sent_for_the_maker_of_onnxruntime(tmp_path):
    made = compiled.made()
    shutil.copytree(made, tmp_path / "article-qa" / made.name)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    text = "About 5,000 troops remain in Iraq."
    code = f"from qa import read; print(read('How many troops remain in Iraq?', [{text!r}]).text)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=True
    )
    assert "5,000" in done.stdout and not done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["article-qa"]  # where it may report, a folder Microsoft
