"""Imports point one way, and nothing heavy is loaded before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {"index": {"index"}, "qa": {"index", "qa"}, "ui": {"index", "qa", "ui"}}
HEAVY = ("torch", "chromadb", "gradio", "langchain", "langchain_core", "sentence_transformers", "transformers")


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_point_one_way(room):
    for file in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                assert top not in ALLOWED or top in ALLOWED[room], f"{file} imports {name}"


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("chromadb", {"index/vectors/embedded.py", "index/vectors/server.py", "index/vectors/served.py"}),
        (
            "onnxruntime",
            {"index/runtime.py", "index/compiled.py", "qa/reader/train/export.py"},
        ),  # two quantise
        ("sentence_transformers", {"index/loaded.py", "index/rerank.py"}),
        ("gradio", {"ui/web.py", "ui/server.py"}),  # the second for a type
        ("httpcore", {"index/fetch.py"}),
        ("langchain", {"qa/writer.py"}),
        ("langchain_core", {"qa/chain.py", "qa/assistant.py", "qa/claims.py"}),  # the second for a type
    ],
)
def test_each_package_has_one_home(library, homes):
    found = set()
    for room in ALLOWED:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(module.partition(".")[0] == library for module in modules):
                    found.add(file.relative_to(ROOT).as_posix())
    assert found
    assert found <= homes


@pytest.mark.parametrize("statement", ["import qa, ui.command", "import ui.command as c; c.app"])
def test_importing_loads_nothing_heavy(statement):
    code = f"{statement}\nimport sys\nprint([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_nothing_heavy():
    code = f"""
import sys
from ui.command import main
sys.argv = ["article-qa", "--help"]
try:
    main()
except SystemExit as end:
    assert end.code == 0
print([n for n in {HEAVY!r} if n in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_question_loads_neither_torch_nor_chroma(tmp_path):
    (tmp_path / "bridge.txt").write_text("The bridge of Hoy was opened on 4 March 1962.", encoding="utf-8")
    code = f"""
import sys
from ui.command import main
sys.argv = ["article-qa", "ask", "When was the bridge of Hoy opened?", "--articles", {str(tmp_path)!r}]
try:
    main()
except SystemExit as end:
    assert end.code == 0
print([n for n in {HEAVY!r} if n in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "opened on 4 March 1962" in done.stdout
    assert done.stdout.splitlines()[-1] == "['langchain_core']"


def test_the_public_names_are_sorted_and_complete():
    import qa

    assert qa.__all__ == sorted(qa.__all__)
    assert {n for n in vars(qa) if n[0].isupper() or n in ("ask", "read")} == set(qa.__all__)
