"""Conversations are kept whole, found again by their owner alone, and deleted for good."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import NotKept
from qa import Answer, Assistant, Citation, Settings, Turn
from qa.conversations import END, FILE, HIT, SHOWN, Conversations

ME, OTHER = "me", "somebody else"
NUMBERS = st.floats(allow_nan=False)
PLACES = st.integers(0, 10**7)
CITATIONS = st.builds(
    Citation,
    *[st.integers(1, 99), st.text(), st.text(), st.text(), st.text(), st.text(), st.text(), st.text(), PLACES, PLACES],
    answer_start=st.none() | PLACES,
    answer_end=st.none() | PLACES,
    score=NUMBERS,
    support=st.text(),
    claim=st.text(),
    author=st.text(),
    before=st.text(),
    after=st.text(),
    anchor=st.text(),
)
SOME = st.lists(CITATIONS, max_size=2).map(tuple)
ANSWERS = st.builds(
    Answer,
    *[st.text(), st.text(), st.sampled_from(["answered", "abstained"]), st.text(), st.text(), NUMBERS, SOME, SOME],
    engine=st.text(),
    timings_ms=st.dictionaries(st.text(), NUMBERS, max_size=3),
    writer=st.text(),
    dropped=st.integers(0, 9),
    refused=SOME,
    note=st.text(),
)
TURNS = st.builds(Turn, st.text(), st.text() | ANSWERS)


def answer(text, question="Who?", **fields):
    return Answer(question, question, "answered", text, **fields)


@pytest.fixture
def kept(tmp_path):
    kept = Conversations(tmp_path)
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    shared = Conversations(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.close()


@settings(max_examples=60, deadline=None)
@given(ANSWERS)
def test_an_answer_is_read_as_it_was_written(answer):
    assert Answer.from_json(answer.to_json()) == answer
    assert Answer.from_json(json.loads(json.dumps(asdict(answer)))) == answer


def test_an_answer_of_another_version_is_read_as_far_as_it_goes():
    written = {"question": "q", "standalone_question": "q", "status": "answered", "text": "t", "from_tomorrow": {}}
    assert Answer.from_json(written) == Answer("q", "q", "answered", "t")
    for wrong in (
        {},
        [],
        {**written, "status": "<b>"},
        {**written, "citations": [{"quote": 5}]},
        {**written, "text": 1},
    ):
        with pytest.raises(ValueError):
            Answer.from_json(wrong)


@settings(max_examples=40, deadline=None)
@given(st.lists(TURNS, min_size=1, max_size=3), st.text())
def test_turns_come_back_as_they_were(shared, turns, search):
    talk = ""
    for number, turn in enumerate(turns):
        talk, written = shared.add(ME, talk, turn)
        assert written == number
    assert shared.turns(ME, talk) == turns
    shared.find(ME, search)
    shared.find(ME, f'{search} " * NEAR( -a ^b question:c {search}')  # nothing that can be typed is syntax
    assert shared.delete(ME, talk)


def test_a_lone_surrogate_is_kept_too(kept):
    turn = Turn("\ud800 who", "What \udfff?")
    assert kept.turns(ME, kept.add(ME, "", turn)[0]) == [turn]


def test_a_list_is_newest_first_and_found_by_text(kept):
    first, _ = kept.add(
        ME, "", Turn("Who bakes rye bread in Zürich?", answer("Hanna <b> Keller bakes 5,000 loaves. [1]"))
    )
    second, _ = kept.add(ME, "", Turn("Where is the ferry?", "The encoder is missing; install it."))
    kept.add(OTHER, "", Turn("Who bakes rye bread in Basel?", "No."))
    kept.add(ME, first, Turn("And where?", answer("In Basel. [1]")))
    assert [(c.id, c.title, c.questions) for c in kept.find(ME)] == [
        (first, "Who bakes rye bread in Zürich?", 2),
        (second, "Where is the ferry?", 1),
    ]
    assert [c.id for c in kept.find(ME, limit=1)] == [first]
    for search in ("keller", "bakes zurich", "ZÜRICH bread", "loav", "5,000", '"rye" AND', "rye* NEAR"):
        assert [c.id for c in kept.find(ME, search)] == ([first] if "N" not in search else []), search
    assert kept.find(ME, "keller")[0].found.startswith(f"Hanna <b> {HIT}Keller{END} bakes")
    assert kept.find(ME, "ferry")[0].found == f"Where is the {HIT}ferry{END}?"
    assert kept.find(ME, "?!") == [] and kept.find(ME, "encoder") == [] and len(kept.find(ME, "  ")) == 2


def test_a_name_is_found_and_the_old_one_is_not(kept):
    talk, _ = kept.add(ME, "", Turn("word " * 30, "No."))
    assert kept.find(ME)[0].title == f"{'word ' * 15}word…"
    assert kept.rename(ME, talk, "  My\nbread " + "x" * 200)
    found = kept.find(ME, "bread")
    assert found[0].title.startswith("My bread xxx") and len(found[0].title) == 120 and found[0].found == ""
    assert kept.rename(ME, talk, "Oven") and kept.find(ME, "bread") == []
    with pytest.raises(NotKept, match="needs a name"):
        kept.rename(ME, talk, " \n ")


def test_what_is_anothers_does_not_exist(kept):
    talk, _ = kept.add(OTHER, "", Turn("Who bakes rye bread?", "No."))
    assert kept.turns(ME, talk) is None and kept.turns(ME, "nothing") is None
    assert not kept.rename(ME, talk, "Mine") and not kept.delete(ME, talk)
    own, number = kept.add(ME, talk, Turn("Mine", "No."))
    assert own != talk and number == 0 and len(own) == 22
    assert [c.title for c in kept.find(OTHER)] == ["Who bakes rye bread?"] and len(kept.turns(OTHER, talk)) == 1


def test_what_is_deleted_is_gone_from_the_file(kept, tmp_path):
    stays, _ = kept.add(ME, "", Turn("Where is the lighthouse?", answer("On Hoy. [1]")))
    talk, _ = kept.add(ME, "", Turn("Who is Xylophonist Quetzalcoatl?", answer("Brobdingnagian. [1]")))
    kept.rename(ME, talk, "Floccinaucinihilipilification")
    words = (b"xylophonist", b"quetzalcoatl", b"brobdingnagian", b"floccinaucinihilipilif")

    def standing():
        held = b"".join(path.read_bytes().lower() for path in tmp_path.glob(f"{FILE}*"))
        return [word for word in words if word in held]

    assert standing() == list(words)
    assert kept.delete(ME, talk)
    assert standing() == []
    assert kept.turns(ME, talk) is None and [c.id for c in kept.find(ME)] == [stays]
    assert kept.find(ME, "xylophonist") == [] and len(kept.find(ME, "lighthouse")) == 1


def test_two_windows_and_two_processes_lose_no_turn(kept, tmp_path):
    talk, _ = kept.add(ME, "", Turn("first", "No."))
    program = (
        "import sys; from pathlib import Path; from qa import Turn; from qa.conversations import Conversations\n"
        "kept = Conversations(Path(sys.argv[1]))\n"
        "for n in range(20): kept.add('me', sys.argv[2], Turn(f'other {n}', 'No.'))"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), talk])
    numbers = []

    def ask(name):
        for n in range(20):
            numbers.append(kept.add(ME, talk, Turn(f"{name} {n}", "No."))[1])

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.wait(60) == 0
    turns = [turn.question for turn in kept.turns(ME, talk)]
    assert sorted(turns[1:]) == sorted(f"{name} {n}" for name in ("one", "two", "other") for n in range(20))
    assert len(set(numbers)) == 40
    for name in ("one", "two", "other"):
        assert [turn for turn in turns if turn.startswith(name)] == [f"{name} {n}" for n in range(20)]


def test_a_killed_process_leaves_whole_turns(kept, tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from qa import Answer, Turn; from qa.conversations import Conversations\n"
        "kept, talk = Conversations(Path(sys.argv[1])), ''\n"
        "answer = Answer('q', 'q', 'answered', 'word ' * 5000)\n"
        "for n in range(10**6): talk, _ = kept.add('me', talk, Turn(f'q{n}', answer)); print(n, flush=True)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(20):
        process.stdout.readline()
    process.kill()
    told = 20 + process.communicate()[0].count("\n")
    (talk,) = kept.find(ME)
    assert talk.questions in (told, told + 1)
    assert [turn.question for turn in kept.turns(ME, talk.id)] == [f"q{n}" for n in range(talk.questions)][-SHOWN:]
    kept._opened().rows("INSERT INTO said (said, rank) VALUES ('integrity-check', 0)")
    assert kept.find(ME, "word")[0].id == talk.id and kept.notices == []


def test_the_file_is_the_owners_alone(kept):
    kept.add(ME, "", Turn("Who?", "No."))
    for path in kept.path.parent.glob(f"{FILE}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(kept, tmp_path):
    (tmp_path / FILE).write_bytes(b"This is no database, whatever its name. " * 200)
    talk, number = kept.add(ME, "", Turn("Who?", "No."))
    assert number == 0 and len(kept.turns(ME, talk)) == 1
    (aside,) = tmp_path.glob("conversations.damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"This is no database")
    (notice,) = kept.notices
    assert aside.name in notice and notice.endswith("a new one was begun.")


def test_of_many_who_find_it_damaged_one_sets_it_aside(kept, tmp_path):
    for _ in range(5):
        kept.close()
        (tmp_path / FILE).write_bytes(b"This is no database, whatever its name. " * 200)
        before = len(kept.notices)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: kept.add(ME, "", Turn(f"Who {n}?", "No.")), range(8)))
        assert len(kept.notices) == before + 1
        assert len(kept.find(ME)) == 8
    assert len(list(tmp_path.glob("conversations.damaged-*.sqlite"))) == 5


def test_damage_while_it_is_open_is_noticed(kept, tmp_path):
    for n in range(50):
        kept.add(ME, "", Turn(f"Question {n}", answer(f"word{n} " * 200)))
    kept.close()
    with open(tmp_path / FILE, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 20))
    assert kept.find(ME) == [] and len(kept.notices) == 1
    assert kept.add(ME, "", Turn("Who?", "No."))[1] == 0


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 99"])
def test_a_file_of_another_program_or_a_later_version_is_left_alone(kept, tmp_path, pragma):
    kept.add(ME, "", Turn("Who?", "No."))
    kept.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(f"PRAGMA {pragma}")
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(NotKept, match=r"^Conversations are not kept: .*(later version|another program).*QA_LIBRARY\.$"):
        kept.find(ME)
    assert (tmp_path / FILE).read_bytes() == before and kept.notices == []


def test_a_turn_of_another_version_is_a_sentence(kept, tmp_path):
    talk, _ = kept.add(ME, "", Turn("Who?", answer("Me. [1]")))
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("""UPDATE turns SET turn = json_set(turn, '$.answer.text', 5)""")
    connection.close()
    (turn,) = kept.turns(ME, talk)
    assert turn.question == "Who?" and "another version" in turn.answer


def test_a_full_disk_keeps_no_half_turn(kept, tmp_path):
    talk, _ = kept.add(ME, "", Turn("Who?", "No."))
    connection = kept._opened()._connection
    connection.execute("PRAGMA max_page_count = 1")  # SQLite's own way to a full disk
    with pytest.raises(NotKept, match=r"full.*QA_LIBRARY\.$"):
        for n in range(100):
            kept.add(ME, talk, Turn(f"Who {n}?", answer("x" * 50_000)))
    connection.execute("PRAGMA max_page_count = 1000000")
    before = len(kept.turns(ME, talk))
    assert kept.add(ME, talk, Turn("Again?", "No."))[1] == before
    assert kept.notices == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_and_read(kept, tmp_path):
    talk, _ = kept.add(ME, "", Turn("Who?", "No."))
    kept.close()
    os.chmod(tmp_path / FILE, 0o400)
    os.chmod(tmp_path, 0o500)
    try:
        assert len(kept.turns(ME, talk)) == 1
        with pytest.raises(NotKept, match=r"cannot be written .*QA_LIBRARY\.$"):
            kept.add(ME, talk, Turn("Who?", "No."))
    finally:
        kept.close()
        os.chmod(tmp_path, 0o700)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(NotKept, match=r"cannot be written .*QA_LIBRARY\.$"):
        Conversations(tmp_path / "nowhere").add(ME, "", Turn("Who?", "No."))


def test_a_file_that_is_deleted_meanwhile_begins_anew(kept):
    talk, _ = kept.add(ME, "", Turn("Who?", "No."))
    kept.path.unlink()
    assert kept.turns(ME, talk) is None
    assert kept.add(ME, talk, Turn("Who?", "No."))[1] == 0
    assert kept.path.exists() and len(kept.find(ME)) == 1


def test_an_answer_without_end_is_not_kept(kept):
    with pytest.raises(NotKept, match="too long to be kept"):
        kept.add(ME, "", Turn("Who?", answer("x" * 3_000_000)))
    assert kept.find(ME) == []


def test_an_assistant_keeps_them_beside_the_library_unless_told_not_to(seeds):
    assert seeds.conversations.path == seeds._library.folder / FILE
    off = Assistant(seeds._library, seeds._vectors, replace_settings(seeds, keep=False), seeds.folder, None)
    assert off.conversations is None
    with Assistant.of_texts(["A text."]) as texts:
        assert texts.conversations is None


def replace_settings(assistant, **changed):
    return Settings(**{**assistant.settings.model_dump(), **changed})


def test_the_last_turns_of_a_long_conversation_are_given_back(kept):
    talk = ""
    for n in range(SHOWN + 3):
        talk, number = kept.add(ME, talk, Turn(f"Question {n}", "No."))
    assert number == SHOWN + 2 and kept.find(ME)[0].questions == SHOWN + 3
    assert [turn.question for turn in kept.turns(ME, talk)] == [f"Question {n}" for n in range(3, SHOWN + 3)]
    assert kept.find(ME, "question 7")[0].found == f"{HIT}Question{END} {HIT}79{END}"
