"""The README tells the truth: its Python runs, its commands exist."""

import re
from pathlib import Path

from typer.main import get_command

from ui.command import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_in_it_runs(seeds, monkeypatch, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("QA_LIBRARY", str(tmp_path / "library"))
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_every_command_in_it_exists():
    blocks = re.findall(r"```(?:sh|text)\n(.*?)```", README, re.DOTALL)
    named = set(re.findall(r"^(?:\$ )?article-qa (\w+)", "\n".join(blocks), re.MULTILINE))
    assert named
    assert named <= set(get_command(app).commands)


def test_every_command_has_a_line_in_it():
    for name in get_command(app).commands:
        assert f"article-qa {name}" in README
