"""The README tells the truth: its Python runs, its commands exist."""

import re
import shlex
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

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


def test_its_transcripts_are_what_is_printed(seeds, monkeypatch, tmp_path):
    monkeypatch.setenv("QA_LIBRARY", str(tmp_path / "library"))
    transcripts = [
        block for block in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if block.startswith("$ article")
    ]
    assert len(transcripts) == 2
    for command, told in re.findall(r"^\$ article-qa ([^\n]*)\n(.*?)(?=^\$ |\Z)", "".join(transcripts), re.M | re.S):
        command, _, into = command.partition(" > ")
        arguments = [str(ROOT / "seeds") if part == "seeds" else part for part in shlex.split(command)]
        arguments = [str(tmp_path / part) if part == "first.json" else part for part in arguments]
        done = CliRunner().invoke(app, arguments)
        if into:
            (tmp_path / into).write_text(done.stdout, encoding="utf-8")
            continue
        shown, *cut = told.split("  ...\n")  # where lines are left out, no more is compared
        assert done.stdout.strip().startswith(shown.strip()) if cut else done.stdout.strip() == shown.strip()


def test_every_command_in_it_exists():
    blocks = re.findall(r"```(?:sh|text)\n(.*?)```", README, re.DOTALL)
    named = set(re.findall(r"^(?:\$ )?article-qa (\w+)", "\n".join(blocks), re.MULTILINE))
    assert named
    assert named <= set(get_command(app).commands)


def test_every_command_has_a_line_in_it():
    for name in get_command(app).commands:
        assert f"article-qa {name}" in README
