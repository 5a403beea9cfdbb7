"""The built wheel holds exactly the three rooms, and works in another environment, outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return next(out.glob("article_qa-*.whl"))


def test_it_packs_exactly_index_qa_and_ui(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"index", "qa", "ui"}
    here = {p.relative_to(ROOT).as_posix() for r in ("index", "qa", "ui") for p in (ROOT / r).rglob("*") if p.is_file()}
    assert {n for n in names if ".dist-info/" not in n} == {n for n in here if "__pycache__" not in n}


def test_it_answers_from_another_environment(wheel, tmp_path):
    """The environment is new; the dependencies are lent to it, so that nothing is downloaded twice."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    zipfile.ZipFile(wheel).extractall(site)
    lent = [
        p
        for p in Path(sysconfig.get_path("purelib")).iterdir()
        if "article_qa" not in p.name and "editable" not in p.name
    ]
    for path in lent:
        if not (Path(site) / path.name).exists():
            (Path(site) / path.name).symlink_to(path)
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.html").write_text(
        "<html><head><title>Strikes</title></head><body><article><p>About 5,000 U.S. troops remain in Iraq, the "
        "Pentagon said on Sunday, and none of them was hurt in the attack near Kirkuk.</p></article></body></html>"
    )
    code = (
        "import index, qa, ui.command, sys; assert 'venv' in qa.__file__, qa.__file__\n"
        "sys.argv = ['article-qa', 'ask', 'How many U.S. troops remain in Iraq?', '--articles', 'articles']\n"
        "ui.command.main()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("About 5,000 U.S. troops remain in Iraq")
