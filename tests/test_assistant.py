"""The door: folders that are there and not, texts, a second process, and what `ask` and `read` do."""

import subprocess
import sys

import pytest

from index.errors import ArticleQAError, BadQuestion, EncoderMismatch, LibraryInUse, NoLibrary
from qa import Assistant, ask, read

STRIKES = "The U.S. struck five sites on Sunday. About 5,000 U.S. troops remain in Iraq. Nobody was hurt in Kirkuk."


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "articles"
    place.mkdir()
    (place / "strikes.txt").write_text(STRIKES, encoding="utf-8")
    (place / "vault.md").write_text("# The seed vault\n\nThe vault opened in 2008 on Svalbard.", encoding="utf-8")
    return place


def test_ask_syncs_and_answers(folder):
    answer = ask("How many U.S. troops remain in Iraq?", folder)
    assert answer.citations[0].quote == "About 5,000 U.S. troops remain in Iraq."
    assert answer.citations[0].article_id == "strikes.txt"
    assert answer.engine == "exact"  # for one question Chroma is not opened
    assert (folder / ".article-qa" / "library.sqlite").is_file()
    with Assistant.open(folder, progress=False) as assistant:  # and catches up when it is
        again = assistant.ask("How many U.S. troops remain in Iraq?")
        assert (again.engine, again.citations) == ("chroma", answer.citations)


def test_read_needs_no_folder_and_may_abstain():
    answer = read("How many U.S. troops remain in Iraq?", ["Seeds are kept in a vault.", STRIKES])
    assert (answer.citations[0].article_id, answer.engine) == ("text-2", "exact")
    assert STRIKES[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote
    assert not read("How tall is the Eiffel Tower?", [STRIKES]).answered


def test_read_of_nothing_is_one_sentence():
    for texts in ([], ["", " \n"]):
        with pytest.raises(NoLibrary, match="no articles among the texts"):
            read("Who was killed?", texts)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NoLibrary, match="nowhere does not exist"):
        ask("Who was killed?", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_is_no_folder(folder):
    with pytest.raises(NoLibrary, match="is a file"):
        ask("Who was killed?", folder / "strikes.txt")


def test_an_empty_folder_says_what_to_put_there(tmp_path):
    with pytest.raises(NoLibrary, match=r"There are no articles in .*\.txt"):
        ask("Who was killed?", tmp_path)


def test_a_folder_of_refused_files_names_the_first(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(NoLibrary, match=r"None of the 1 files .* a\.txt"):
        ask("Who was killed?", tmp_path)


def test_a_bad_question_comes_before_any_work(tmp_path):
    with pytest.raises(BadQuestion):
        ask("  ", tmp_path / "nowhere")


def test_no_folder_named_anywhere_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoLibrary, match="No folder of articles was named"):
        Assistant.open()


def test_the_nearest_library_upward_is_found(folder, monkeypatch):
    ask("Who was hurt?", folder)
    deep = folder / "drafts"
    deep.mkdir()
    monkeypatch.chdir(deep)
    with Assistant.open(progress=False) as assistant:
        assert assistant.folder == folder


def test_the_library_can_be_elsewhere(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("QA_LIBRARY", str(tmp_path / "elsewhere"))
    with Assistant.open(folder, progress=False) as assistant:
        assert assistant.ask("When did the seed vault open?").answered
    assert (tmp_path / "elsewhere" / "library.sqlite").is_file()
    assert not (folder / ".article-qa").exists()


def test_a_second_one_reads_and_searches_exactly(folder):
    with Assistant.open(folder, progress=False) as first, Assistant.open(folder, progress=False) as second:
        assert first.notices == []
        assert "in use by process" in second.notices[0]
        assert first.ask("When did the seed vault open?").engine == "chroma"
        answer = second.ask("When did the seed vault open?")
        assert (answer.engine, answer.citations) == ("exact", first.ask("When did the seed vault open?").citations)
        with pytest.raises(LibraryInUse, match="in use by process"):
            second.sync(progress=False)
        (folder / "new.txt").write_text("The bridge in Basra cost $40 million to build.", encoding="utf-8")
        first.sync(progress=False)
        assert second.ask("How much did the bridge in Basra cost?").citations[0].article_id == "new.txt"


def test_a_damaged_library_is_left_alone(folder, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    (library / "library.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ArticleQAError, match="not a readable library"):
        Assistant.open(folder, library, progress=False)
    assert (library / "library.sqlite").read_bytes() == b"not a database at all" * 100


def test_another_encoder_is_refused(folder):
    ask("Who was hurt?", folder)
    with Assistant.open(folder, progress=False) as assistant:
        assistant._library.set(encoder="another@1234")
    for update in (True, False):  # before anybody asks
        with pytest.raises(EncoderMismatch, match="built with the encoder another@1234"):
            Assistant.open(folder, update=update, progress=False)


def test_an_unknown_article_is_an_error(seeds):
    with pytest.raises(ArticleQAError, match=r"no article 'nowhere\.txt'"):
        seeds.article("nowhere.txt")


def test_search_ranks_sentences_without_answering(seeds):
    found = seeds.search("rockets", k=10)
    assert len(found) == 10
    assert any("rocket" in c.quote for c in found[:3])


def test_chroma_can_follow_when_it_is_warm(folder):
    with Assistant.open(folder, chroma=False, progress=False) as assistant:
        first = assistant.ask("When did the seed vault open?")
        assistant.warm()
        then = assistant.ask("When did the seed vault open?")
    assert (first.engine, then.engine) == ("exact", "chroma")
    assert first.citations == then.citations


def test_python_says_what_happens_when_a_process_dies_while_it_owns(folder):
    code = "import os, sys\nfrom qa import Assistant\nAssistant.open(sys.argv[1], progress=False)\nos._exit(9)"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert done.returncode == 9
    with Assistant.open(folder, progress=False) as assistant:
        answer = assistant.ask("When did the seed vault open?")
    assert (answer.engine, answer.answered) == ("chroma", True)


def test_copies_among_texts_are_cited_once():
    copy = STRIKES.replace("struck", "hit")
    answer = read("How many U.S. troops remain in Iraq?", [STRIKES, copy, "Seeds are kept."])
    assert [c.quote for c in answer.citations].count("About 5,000 U.S. troops remain in Iraq.") == 1


def test_a_text_without_a_full_stop_is_cited():
    answer = read("How many U.S. troops remain in Iraq?", ["About 5,000 U.S. troops remain in Iraq"])
    assert answer.citations[0].quote == "About 5,000 U.S. troops remain in Iraq"


def test_one_text_need_not_be_a_list():
    assert read("How many U.S. troops remain in Iraq?", STRIKES).citations[0].article_id == "text-1"


def test_another_current_folder_changes_nothing(folder, tmp_path, monkeypatch):
    other = tmp_path / "other"
    (other / "articles").mkdir(parents=True)
    monkeypatch.chdir(folder.parent)
    with Assistant.open("articles", progress=False) as assistant:
        monkeypatch.chdir(other)
        assert assistant.sync(progress=False).deleted == []
        assert assistant.ask("When did the seed vault open?").answered


def test_a_library_is_not_filled_with_another_folders_articles(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("A bridge opened in Basra.", encoding="utf-8")
    place = tmp_path / "library"
    Assistant.open(folder, place, progress=False).close()
    with pytest.raises(NoLibrary, match=r"is that of .*articles; name another place for .*other"):
        Assistant.open(other, place, progress=False)
    folder.rename(tmp_path / "moved")
    with Assistant.open(tmp_path / "moved", place, progress=False) as assistant:
        assert assistant.report.unchanged == 2


def test_after_an_error_nothing_is_left_open(folder, tmp_path):
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Assistant.open(folder, progress=stop)
    with Assistant.open(folder, progress=False) as assistant:
        assert assistant.notices == []
        assert assistant.ask("When did the seed vault open?").engine == "chroma"


def test_a_closed_one_says_so(folder):
    assistant = Assistant.open(folder, progress=False)
    assistant.close()
    for call in (lambda: assistant.ask("Who was hurt?"), lambda: assistant.sync(progress=False)):
        with pytest.raises(NoLibrary, match="closed"):
            call()


def test_an_inherited_tracing_variable_uploads_nothing(folder, monkeypatch):
    monkeypatch.setenv("LANGSMITH_TRACING_V2", "true")
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "none")
    sent = []
    monkeypatch.setattr("langsmith.Client.create_run", lambda *_, **__: sent.append(1))
    assert ask("When did the seed vault open?", folder).answered
    assert sent == []
