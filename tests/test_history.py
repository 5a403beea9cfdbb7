"""A file of earlier turns is read, or refused in one sentence that says what it holds."""

import json

import pytest

from index.errors import ArticleQAError
from qa import Answer, Citation, Turn
from qa.history import load

CITATION = Citation(1, "It opened in 2008.", "a.md", "0" * 64, "The seed vault", "", "", "", 0, 18, 13, 17)
ANSWER = Answer("When?", "When?", "answered", "It opened in 2008. [1]", "2008", 0.9, (CITATION,))


def written(tmp_path, held):
    path = tmp_path / "history.json"
    path.write_text(held if isinstance(held, str) else json.dumps(held), encoding="utf-8")
    return path


def test_turns_in_words(tmp_path):
    held = [{"question": "When?", "answer": "In 2008."}, {"question": "Why?", "answer": "", "more": 1}]
    assert load(written(tmp_path, held)) == [Turn("When?", "In 2008."), Turn("Why?", "")]
    assert load(written(tmp_path, [])) == []


def test_what_json_printed_is_a_turn(tmp_path):
    turn = Turn("When?", ANSWER)
    assert load(written(tmp_path, ANSWER.to_json())) == [turn]
    assert load(written(tmp_path, f"[{ANSWER.to_json()}]")) == [turn]
    assert load(written(tmp_path, f'[{{"question": "When?", "answer": {ANSWER.to_json()}}}]')) == [turn]


def test_an_answer_of_another_shape_gives_its_words(tmp_path):
    held = json.loads(ANSWER.to_json())
    held["citations"] = [{"quote": 5}]
    assert load(written(tmp_path, [held])) == [Turn("When?", ANSWER.text)]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("not json", "it is not JSON: Expecting value in line 1"),
        ("", "it is not JSON"),
        ("{}", "it holds an object"),
        ("5", "it holds a number"),
        ("null", "it holds null"),
        ('["When?"]', "turn 1 is a text"),
        ('[{"answer": "In 2008."}]', 'turn 1 has no "question" in words'),
        ('[{"question": "a", "answer": "b"}, {"question": "When?"}]', 'turn 2 has no "answer" in words'),
        ('[{"question": "When?", "answer": 2008}]', 'turn 1 has no "answer" in words'),
    ],
)
def test_anything_else_is_one_sentence(tmp_path, held, said):
    with pytest.raises(ArticleQAError) as error:
        load(written(tmp_path, held))
    assert said in str(error.value)
    assert "is no history (" in str(error.value)
    assert '[{"question": "...", "answer": "..."}]' in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(ArticleQAError, match="there is no such file"):
        load(tmp_path / "none.json")
    with pytest.raises(ArticleQAError, match="is no history"):
        load(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'[{"question": "caf\xe9"}]')
    with pytest.raises(ArticleQAError, match="not text in UTF-8"):
        load(tmp_path / "latin.json")
