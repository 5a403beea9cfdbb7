"""The command line, in processes of its own: what it prints, where, and with which exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ui.command import app

TROOPS = "How many U.S. troops remain in Iraq?"
# As people run it: under `python -m`, Python may end by SIGINT itself after an orderly exit with 130.
PROGRAM = Path(sys.executable).with_name("article-qa")


def run(*arguments, cwd=None, **environment):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("articles")
    (place / "strikes.md").write_text(
        "---\ntitle: Strikes\nsource: The Desk\npublished: 2019-12-29\n---\nThe U.S. struck five sites. "
        "About 5,000 U.S. troops remain in Iraq.\n",
        encoding="utf-8",
    )
    (place / "escape.txt").write_text("The \x1b[31mred\x1b[0m gate in Mosul opened in May 2020.", encoding="utf-8")
    return place


def test_ask_prints_the_sentence_and_its_address(folder):
    done = run("ask", TROOPS, "--articles", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "About 5,000 U.S. troops remain in Iraq. [1]"
    assert "[1] “Strikes”, The Desk, 2019-12-29 (strikes.md, " in done.stdout


def test_ask_abstains_with_exit_3(folder):
    done = run("ask", "How tall is the Eiffel Tower?", "--articles", folder)
    assert done.returncode == 3
    assert done.stdout.startswith("The articles do not say.\n")
    assert "[1]" not in done.stdout


def test_json_is_one_object_on_standard_output(folder):
    done = run("ask", TROOPS, "--articles", folder, "--json")
    found = json.loads(done.stdout)
    assert (found["status"], found["citations"][0]["article_id"]) == ("answered", "strikes.md")


def here(*arguments):
    """Run a command in this process: what a process is for is tested above and below."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    done.returncode = done.exit_code
    return done


def test_only_some_articles_are_asked(folder):
    done = here("ask", TROOPS, "--articles", folder, "--source", "the desk", "--since", "2019", "--until", "2019-12")
    assert done.returncode == 0 and "Only articles from the desk, since 2019-01-01, until 2019-12-31" in done.stdout
    done = here("ask", TROOPS, "--articles", folder, "--only", "escape.txt", "--json")
    found = json.loads(done.stdout)
    assert {c["article_id"] for c in found["citations"] + found["closest"]} == {"escape.txt"}
    for wrong, told in ((("--source", "Nobody"), "no article from Nobody"), (("--since", "soon"), "'soon' is no date")):
        done = here("ask", TROOPS, "--articles", folder, *wrong)
        assert (done.returncode, done.stdout) == (1, "") and told in done.stderr


def test_files_are_added_and_articles_removed(tmp_path):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (tmp_path / "gate.txt").write_text("The red gate in Mosul opened in May 2020.")
    (tmp_path / "bad.pdf").write_text("no pdf")
    given = [tmp_path / "gate.txt", tmp_path / "bad.pdf", "http://127.0.0.1/", tmp_path / "none.txt"]
    done = here("add", *given, "--articles", shelf)
    assert (done.returncode, done.stdout) == (1, "added added/gate.txt: added/gate.txt\n")
    refused = [line for line in done.stderr.splitlines() if line.startswith("refused ")]
    assert len(refused) == 3 and "bad.pdf: does not begin" in refused[0] and "not a public address" in refused[1]
    assert here("remove", "added/gate.txt", "--articles", shelf).stdout == "removed added/gate.txt\n"
    assert "1 left out as removed by hand" in here("sync", shelf).stdout
    assert here("remove", "added/gate.txt", "--articles", shelf).returncode == 1
    assert here("remove", "added/gate.txt", "--restore", "--articles", shelf).returncode == 0
    assert "the library has 1 articles" in here("sync", shelf).stdout


def test_history_is_read_and_shown(folder, tmp_path):
    history = tmp_path / "history.json"
    history.write_text(json.dumps([{"question": TROOPS, "answer": "About 5,000 U.S. troops remain in Iraq."}]))
    done = run("ask", "And how many sites were struck there?", "--articles", folder, "--history", history)
    assert done.stdout.startswith("Read as: Strikes: And how many sites were struck there?")
    history.write_text("{}")
    bad = run("ask", "And there?", "--articles", folder, "--history", tmp_path / "none.json")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "is no history" in bad.stderr


def test_an_article_cannot_drive_the_terminal(folder):
    done = run("ask", "When did the red gate in Mosul open?", "--articles", folder)
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout


@pytest.mark.parametrize("command", [("ask", TROOPS, "--articles"), ("sync",), ("chat",)])
def test_a_missing_folder_is_one_sentence(command, tmp_path):
    done = run(*command, tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'nowhere'} does not exist; name a folder of articles.\n"


def test_wrong_usage_is_2():
    assert run("ask").returncode == 2
    assert run("fly").returncode == 2


def test_an_unknown_setting_is_one_sentence(folder):
    done = run("ask", TROOPS, "--articles", folder, QA_ARTICLE="x")
    assert done.returncode == 1
    assert done.stderr == "There is no setting QA_ARTICLE; did you mean QA_ARTICLES?\n"


def test_sync_reports_and_names_what_it_refused(tmp_path):
    (tmp_path / "good.txt").write_text("A bridge opened in Basra.", encoding="utf-8")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (tmp_path / "line.txt").write_bytes(b"word " * 4_000_000)
    done = run("sync", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("1 added, 4 refused; the library has 1 articles")
    lines = [line for line in done.stderr.splitlines() if line.startswith("refused ")]
    assert [line.split(":")[0] for line in lines] == [
        f"refused {n}" for n in ("broken.pdf", "empty.txt", "line.txt", "picture.txt")
    ]
    again = run("sync", tmp_path, "--strict")
    assert again.returncode == 1
    assert again.stdout.startswith("1 unchanged, 4 refused")
    done = run("compact", tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("before: library ") and "now:    library " in done.stdout


def test_evaluate_prints_a_table_and_json(folder, tmp_path):
    questions = tmp_path / "questions.jsonl"
    gold = {"article": "strikes.md", "quote": "About 5,000 U.S. troops remain in Iraq."}
    questions.write_text(
        json.dumps({"question": TROOPS, "gold": [gold]})
        + "\n"
        + json.dumps({"question": "How tall is the Eiffel Tower?"})
    )
    table = run("evaluate", questions, "--articles", folder)
    assert "top citation right" in table.stdout
    figures = json.loads(run("evaluate", questions, "--articles", folder, "--json").stdout)
    assert (figures["top_citation"], figures["abstained"]["unanswerable"], figures["gold_at"]["300"]) == (1.0, 1.0, 1.0)
    questions.write_text("not json\n")
    bad = run("evaluate", questions, "--articles", folder)
    assert bad.returncode == 1
    assert "line 1: not a question" in bad.stderr


def test_doctor_finds_a_sound_library_and_a_broken_one(folder, tmp_path):
    run("sync", folder)
    done = run("doctor", "--articles", folder)
    assert done.returncode == 0, done.stdout
    for name in ("langchain", "chromadb", "sentence-transformers", "gradio", "encoder", "reader", "library", "chroma"):
        assert f"ok  {name} " in done.stdout
    (tmp_path / "library.sqlite").write_bytes(b"garbage" * 1000)
    bad = run("doctor", "--library", tmp_path)
    assert bad.returncode == 1
    assert "BAD library" in bad.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_a_sync_with_a_sentence_and_keeps_what_was_done(tmp_path):
    for number in range(400):
        (tmp_path / f"{number:03}.txt").write_text(f"Bridge number {number} opened in Basra. " * 60, encoding="utf-8")
    child = subprocess.Popen(
        [PROGRAM, "sync", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / ".article-qa" / "library.sqlite-wal"
    deadline = time.time() + 120
    while time.time() < deadline and (not log.exists() or log.stat().st_size < 100_000):
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert "Traceback" not in errors
    assert child.returncode == 130, errors
    assert "Stopped; what was done so far is kept." in errors
    done = run("sync", tmp_path)
    assert "the library has 400 articles" in done.stdout


def test_ctrl_c_while_a_compiled_module_is_loaded_is_ctrl_c():
    program = """
import typer
from ui.command import _errors
def work():
    with _errors():
        raise ImportError("initialization failed") from KeyboardInterrupt()
typer.run(work)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "Stopped; what was done so far is kept.\n")


def test_its_own_json_is_a_history(folder, tmp_path):
    done = run("ask", TROOPS, "--articles", folder, "--json")
    (tmp_path / "history.json").write_text(f"[{done.stdout}]", encoding="utf-8")
    then = run(
        "ask", "And how many sites were struck there?", "--articles", folder, "--history", tmp_path / "history.json"
    )
    assert then.stdout.startswith("Read as: Strikes: ")
    (tmp_path / "history.json").write_text("{}")
    bad = run("ask", "And there?", "--articles", folder, "--history", tmp_path / "history.json")
    assert (bad.returncode, "is no history" in bad.stderr) == (1, True)


def test_doctor_misses_what_was_named(tmp_path):
    done = run("doctor", "--articles", tmp_path / "nowhere")
    assert done.returncode == 1
    assert "There is no library in" in done.stderr


def test_a_port_that_is_none_is_wrong_usage(folder):
    assert run("chat", folder, "--port", "99999").returncode == 2


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(f"\ufeff# for Monday\n{TROOPS}\n\n  How tall is the Eiffel Tower?\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".md", ".docx"])
def test_a_report_of_questions_is_written_and_verified(folder, questions, tmp_path, suffix):
    out = tmp_path / f"report{suffix}"
    out.write_text("an older one")
    done = run("report", questions, "--out", out, "--articles", folder, "--title", "Monday")
    assert (done.returncode, done.stdout) == (0, f"{out}: 2 questions, 1 answered.\n"), done.stderr
    checked = run("verify", out, "--articles", folder)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.splitlines()[0] == "stands  [1] “About 5,000 U.S. troops remain in Iraq.”"
    assert checked.stdout.splitlines()[-1] == "1 quote: 1 stand as cited"
    if suffix == ".md":
        assert "# Monday\n" in out.read_text("utf-8")
        assert "## Not answered\n\n- How tall is the Eiffel Tower?\n" in out.read_text("utf-8")


def test_verify_exits_4_and_shows_the_difference(folder, tmp_path):
    piece = tmp_path / "piece.md"
    piece.write_text("> About 6,000 U.S. troops remain in Iraq.\n\nHe said “The U.S. struck five sites.”\n")
    done = run("verify", piece, "--articles", folder)
    assert done.returncode == 4
    assert "strikes.md, " in done.stdout
    assert "has now: About [-6,000-]{+5,000+} U.S. troops remain in Iraq." in done.stdout
    assert done.stdout.endswith("2 quotes: 1 stand as cited, 1 changed\n")
    found = json.loads(run("verify", piece, "--articles", folder, "--json").stdout)
    assert [check["status"] for check in found["checks"]] == ["changed", "stands"]


def test_what_cannot_be_reported_or_verified_is_one_sentence(folder, questions, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n\n")
    bad = tmp_path / "bad.txt"
    bad.write_text("Who was hurt?\n?!\n")
    for arguments, says in (
        (("report", tmp_path / "none.txt", "--out", tmp_path / "a.md"), "none.txt cannot be read (No such file"),
        (("report", empty, "--out", tmp_path / "a.md"), "empty.txt has no questions in it; write one a line."),
        (("report", bad, "--out", tmp_path / "a.md"), "bad.txt, line 2: '?!' has no word in it"),
        (("report", questions, "--out", tmp_path / "a.rtf"), "a.rtf ends in '.rtf', which is no form of a report"),
        (("report", questions, "--out", tmp_path / "no" / "a.md"), "a.md cannot be written (No such file"),
        (("verify", tmp_path / "none.md"), "none.md cannot be read (No such file"),
        (("verify", questions), "questions.txt has no quotes in it"),
    ):
        done = run(*arguments, "--articles", folder)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not list(tmp_path.glob("a.*"))
    assert run("report", questions, "--articles", folder).returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_keeps_what_was_reported_so_far(folder, tmp_path):
    many = tmp_path / "many.txt"
    many.write_text(f"{TROOPS}\n" * 20_000)
    run("sync", folder)
    for delay in (8, 20, 60):  # the first may come before the first question
        child = subprocess.Popen(
            [PROGRAM, "report", many, "--out", tmp_path / "a.json", "--articles", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(delay)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 130 and "Traceback" not in errors
        assert "Stopped; what was done so far is kept." in errors
        if "has the first" in errors:
            break
    answers = json.loads((tmp_path / "a.json").read_text("utf-8"))["answers"]
    assert f"has the first {len(answers)} of 20000 questions." in " ".join(errors.split())
    assert answers[-1]["status"] == "answered"


def test_compact_makes_no_library(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        done = run("compact", folder)
        assert done.returncode == 1 and "There is no library in" in done.stderr
    assert not list(tmp_path.iterdir())
