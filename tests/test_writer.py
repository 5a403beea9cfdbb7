"""Language models that word the answer and not the evidence, through the real clients, against a local server."""

from __future__ import annotations

import gc
import json
import logging
import time

import pytest
from model_server import Fail, Hang, ModelServer, Say

from index.errors import MissingExtra, ProviderFailure, UnknownSetting
from qa import Answer, Assistant, Settings, Turn
from qa.chain import INSTEAD
from qa.claims import claims
from qa.doctor import examine
from qa.writer import Writer, _end_of, _said_in, offer, writer

# LangChain keeps OpenAI's connections for the whole process; here the server behind them goes first.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

KEY = "sk-never-shown-0123456789"
ARTICLES = {
    "bridge.md": "---\ntitle: The bridge of Hoy\nsource: The Paper\npublished: 2019-12-29\n---\n\n"
    "The bridge of Hoy was opened to traffic on 4 March 1962. It is 230 meters long and was built by Anna Weiss. "
    "Nobody was hurt while it was built. The toll for a car was five shillings until 1971.\n",
    "ferry.md": "---\ntitle: The ferry of Hoy\n---\n\nThe ferry of Hoy carries forty cars. It was launched in 1951 in "
    "Leith. The ferry was sold in 1962, because the bridge had taken its passengers.\n",
}
ASKED = "When was the bridge of Hoy opened?"
QUOTE = "The bridge of Hoy was opened to traffic on 4 March 1962."


@pytest.fixture(scope="module")
def server():
    server = ModelServer()
    yield server
    server.close()
    gc.collect()  # so that no test elsewhere meets what was left open


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("articles")
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


WIRES = ["openai", "openai by schema", "ollama"]


@pytest.fixture(scope="module")
def assistants(folder, server, tmp_path_factory):
    """One assistant a wire, over libraries of their own."""
    opened = {}
    for wire in WIRES:
        url = {"openai": f"{server.url}/v1", "ollama": server.url}.get(wire, "")
        settings = Settings(model=f"{wire.split()[0]}:m", model_url=url, model_timeout=4, caution=0.2)
        opened[wire] = Assistant.open(folder, tmp_path_factory.mktemp("library"), settings=settings, progress=False)
    yield opened
    for assistant in opened.values():
        assistant.close()


@pytest.fixture(params=WIRES)
def assistant(request, assistants, server, monkeypatch):
    if request.param == "openai by schema":
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    return assistants[request.param]


def number_of(words):
    """Return what makes a reply of a prompt: `{n}` is the number of the sentence with these words."""

    def reply(template):
        def made(prompt):
            line = next(line for line in prompt.splitlines() if words in line and line.startswith("["))
            return template.replace("{n}", line[1 : line.index("]")])

        return made

    return reply


OPENED = number_of("opened to traffic")


def test_a_claim_that_holds_is_the_answer_and_its_quote_is_the_librarys(assistant, server):
    server.will(Say(OPENED("Traffic has used the bridge of Hoy since March 4, 1962. [{n}]")))
    answer = assistant.ask(ASKED)
    assert answer.text == "Traffic has used the bridge of Hoy since March 4, 1962. [1]"
    [citation] = answer.citations
    article = assistant.article(citation.article_id)
    assert article.text[citation.start : citation.end] == citation.quote == QUOTE
    assert (citation.support, citation.claim) == ("supported", answer.text.removesuffix(" [1]"))
    assert (answer.writer, answer.dropped, answer.note, answer.refused) == (assistant.settings.model, 0, "", ())
    assert set(answer.timings_ms) == {"question", "retrieve", "read", "first_token", "write", "cite"}
    assert 0 < answer.timings_ms["first_token"] <= answer.timings_ms["write"]
    assert json.loads(answer.to_json())["citations"][0]["support"] == "supported"


def test_the_model_sees_numbered_sentences_in_a_fence_with_title_and_date(assistant, server):
    server.will(Say("NONE"))
    assistant.ask(ASKED)
    [prompt] = server.prompts
    lines = prompt.splitlines()
    assert lines[0].startswith("begin ") and f"end {lines[0].split()[1]}" in lines
    assert "Article: The bridge of Hoy, The Paper, 2019-12-29" in lines
    assert any(line.endswith(QUOTE) and line.startswith("[") for line in lines)
    assert lines[-1] == f"Question: {ASKED}"
    assistant.ask(ASKED)
    assert server.prompts[1].splitlines()[0] != lines[0]


def test_claims_that_do_not_hold_are_dropped_and_counted(assistant, server):
    said = "It was opened on 4 March 1962. [{n}]\nIt was opened on 4 March 1926. [{n}]\nIt is red. [99]\nIt is long."
    server.will(Say(OPENED(said)))
    answer = assistant.ask(ASKED)
    assert answer.text == "It was opened on 4 March 1962. [1]"
    assert answer.dropped == 3
    assert [(c.quote, c.claim) for c in answer.refused] == [(QUOTE, "It was opened on 4 March 1926.")]
    assert answer.refused[0].support == "“4 March 1926” is not there"
    assert "3 claims were left out, because their sentences do not say them." in answer.remarks


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("It was opened in 1926. [{n}]", "Its one claim does not stand"),
        ("It was opened in 1926. [{n}]\nIt is in Peru. [{n}]", "None of its 2 claims does stand"),
        ("NONE", "found no answer"),
        ("I'm sorry, but I cannot help with that.", "Its one claim does not stand"),
    ],
)
def test_with_no_claim_left_the_sentences_themselves_are_the_answer_and_it_says_so(assistant, server, said, note):
    server.will(Say(OPENED(said)))
    answer = assistant.ask(ASKED)
    assert answer.citations[0].quote == QUOTE
    assert (answer.writer, answer.citations[0].support) == ("", "verbatim")
    assert note in answer.note and answer.note.endswith(INSTEAD)
    assert answer.remarks == (answer.note,)


def test_below_the_caution_the_model_is_not_asked(assistant, server):
    server.will(Say("The tower is 330 meters high. [1]"))
    answer = assistant.ask("How tall is the Eiffel Tower?")
    assert (answer.answered, answer.note, server.asked) == (False, "", [])


def test_two_sentences_may_carry_a_claim_together(assistant, server):
    def said(prompt):
        found = [line for line in prompt.splitlines() if line.startswith("[")]
        numbers = [line[1 : line.index("]")] for line in found if QUOTE in line or "230 meters" in line]
        return f"The bridge of Hoy, opened on 4 March 1962, is 230 meters long. [{', '.join(numbers)}]"

    server.will(Say(said))
    answer = assistant.ask(ASKED)
    assert answer.text.endswith("is 230 meters long. [1][2]")
    assert {c.support for c in answer.citations} == {"supported together"}


FAILURES = {
    "cut in the middle": ([Say(OPENED("It was opened on 4 March 1962. [{n}]"), cut=4)], "broke off"),
    "no end": ([Say(OPENED("It was opened on 4 March 1962. [{n}]"), end="")], "broke off"),
    "out of room": ([Say(OPENED("It was opened on 4 March 1962. [{n}]"), end="length")], "ran out of room"),
    "empty": ([Say("")], "gave no text"),
    "1 MB": ([Say("x" * 1_000_000)], "more than 20,000 characters"),
    "HTML": ([Fail(200, b"<html><b>hi</b></html>", kind="text/html")], "sent what is no answer"),
    "HTML 502": ([Fail(502, b"<html>bad gateway</html>", kind="text/html")], "failed (502)"),
    "500": ([Fail(500)], "failed (500)"),
    "401": ([Fail(401)], "refused the key (401)"),
    "402": ([Fail(402)], "asks for payment (402)"),
    "wrong model": ([Fail(404, b'{"error": "model not found"}')], "is not known there (404)"),
    "429 for 3600 s": ([Fail(429, headers={"Retry-After": "3600"})], "(429)"),
    "hangs": ([Hang(6)], "did not answer within 4 seconds"),
    "a byte now and then": ([Hang(6, trickle=True)], "did not answer within 4 seconds"),
    "stalls": ([Say("It was opened on 4 March 1962. [1]", stall=2)], "did not answer within 4 seconds"),
    "tool call": ([Say("x", tool="fetch")], "called a tool"),
    "invalid UTF-8": ([Say("It was opened.", raw=b"data: \xff\xfe\n\n")], "sent what is no answer"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_sentence_and_the_answer_is_the_articles_own(assistant, server, name, caplog):
    replies, told = FAILURES[name]
    server.will(*replies)
    caplog.set_level(logging.DEBUG)
    started = time.monotonic()
    answer = assistant.ask(ASKED)
    assert time.monotonic() - started < 8
    assert len(server.asked) <= 3
    assert told in answer.note
    assert answer.note.startswith("The language model ") and answer.note.endswith(INSTEAD)
    assert "sk-" not in answer.note + answer.to_json() and KEY not in caplog.text
    assert answer.citations[0].quote == QUOTE
    assert answer.text == f"{QUOTE} [1]" or answer.citations[0].support == "verbatim"
    assert (answer.writer, answer.dropped) == ("", 0)


@pytest.mark.parametrize("after", ["1", "soon", ""])
def test_what_may_pass_is_tried_again(assistant, server, after):
    headers = {"Retry-After": after} if after else {}
    server.will(Fail(429, headers=headers), Say(OPENED("It was opened on 4 March 1962. [{n}]")))
    answer = assistant.ask(ASKED)
    assert (answer.writer, answer.note, len(server.asked)) == (assistant.settings.model, "", 2)


def test_it_waits_as_long_as_it_was_asked_to(assistants, server):
    server.will(Fail(429, headers={"Retry-After": "2"}), Say(OPENED("It was opened on 4 March 1962. [{n}]")))
    answer = assistants["openai"].ask(ASKED)
    assert answer.writer and answer.timings_ms["write"] >= 2000


def test_a_refusal_in_its_own_field(assistants, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    server.will(Say("I cannot", refusal=True))
    assert "refused to answer" in assistants["openai by schema"].ask(ASKED).note


def test_a_model_that_knows_no_schema_is_asked_without(assistants, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    said = OPENED('```json\n{"claims": [{"claim": "It was opened on 4 March 1962.", "sentences": [{n}]}]}\n```')
    server.will(Fail(400), Say(said))
    answer = assistants["openai by schema"].ask(ASKED)
    assert answer.text == "It was opened on 4 March 1962. [1]"
    assert ["response_format" in asked for asked in server.asked] == [True, False]


def test_nobody_listens_there(folder, tmp_path):
    settings = Settings(model="openai:m", model_url="http://127.0.0.1:9/v1", model_timeout=5)
    with Assistant.open(folder, tmp_path, settings=settings, progress=False) as assistant:
        answer = assistant.ask(ASKED)
    assert "cannot be reached" in answer.note and "127.0.0.1:9" in answer.note and answer.answered


def test_without_a_key_it_says_which(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with Assistant.open(folder, tmp_path, settings=Settings(model="openai:m"), progress=False) as assistant:
        assert "has no key; set OPENAI_API_KEY." in assistant.ask(ASKED).note


def test_a_stream_shows_tokens_and_then_the_checked_answer(assistant, server):
    server.will(Say(OPENED("It was opened on 4 March 1962. [{n}]\nIt was opened in 1926. [{n}]"), pause=0.01))
    events = list(assistant.stream(ASKED))
    kinds = [event.kind for event in events]
    assert kinds[:2] == ["question", "sources"] and kinds[-1] == "answer" and set(kinds[2:-1]) == {"token"}
    assert len(kinds) > 6
    said = "".join(event.text for event in events)
    assert "It was opened on 4 March 1962. It was opened in 1926." in said
    assert QUOTE in [citation.quote for citation in events[1].citations]
    assert events[-1].answer.text == "It was opened on 4 March 1962. [1]"
    assert events[-1].answer.dropped == 1


def test_a_stream_that_breaks_off_leaves_no_half_claim(assistant, server):
    server.will(Say(OPENED("It was opened on 4 March 1962. [{n}]\nIt was opened by the Queen of"), end=""))
    events = list(assistant.stream(ASKED))
    assert any(event.kind == "token" for event in events)
    answer = events[-1].answer
    assert answer.citations[0].support == "verbatim" and "broke off" in answer.note and "Queen" not in answer.text


def test_a_stream_that_is_left_gives_no_answer(assistant, server):
    server.will(Say(OPENED("It was opened on 4 March 1962. [{n}]"), pause=0.2))
    stream = assistant.stream(ASKED)
    seen = []
    for event in stream:
        seen.append(event.kind)
        if event.kind == "token":
            stream.close()
    assert seen[-1] == "token" and "answer" not in seen


def test_without_a_model_the_stream_and_the_answer_are_the_same(seeds):
    asked = "When did the Svalbard Global Seed Vault open?"
    *events, last = seeds.stream(asked)
    assert [event.kind for event in events] == ["question", "sources"]
    assert last.answer.text == seeds.ask(asked).text
    assert events[1].citations == last.answer.citations
    assert (last.answer.writer, last.answer.note, last.answer.remarks) == ("", "", ())
    *events, last = seeds.stream("How tall is the Eiffel Tower?")
    assert not events[1].citations and not last.answer.answered


def test_the_graph_has_the_step(assistants):
    names = [node.name for node in assistants["ollama"].chain.get_graph().nodes.values()]
    steps = ["question", "retrieve", "read", "write", "cite"]
    assert [name for name in names if name in steps] == steps


def test_a_comparison_is_searched_in_parts_and_they_are_shown(assistant, server):
    def said(prompt):
        found = [line for line in prompt.splitlines() if line.startswith("[")]
        at = {
            words: line[1 : line.index("]")]
            for line in found
            for words in ("traffic on", "launched in")
            if words in line
        }
        return f"The bridge was opened in 1962. [{at['traffic on']}]\nIt was launched in 1951. [{at['launched in']}]"

    parts = ["When was the bridge of Hoy opened?", "When was the ferry of Hoy launched?", "", "a", "b", "c"]
    server.will(Say("\n".join(parts)), Say(said))
    answer = assistant.ask("Compare when the bridge and the ferry of Hoy came into use.")
    assert answer.standalone_question == f"{parts[0]} / {parts[1]} / a"
    assert {c.article_id for c in answer.citations} == {"bridge.md", "ferry.md"}
    assert len(server.asked) == 2


def test_a_follow_up_is_made_to_stand_alone(assistant, server):
    first = Answer(ASKED, ASKED, "answered", "It was opened in 1962. [1]")
    server.will(Say("How long is the bridge of Hoy?"), Say("NONE"))
    answer = assistant.ask("How long is it?", [Turn(ASKED, first)])
    assert answer.standalone_question == "How long is the bridge of Hoy?"
    assert "230 meters" in answer.citations[0].quote
    assert "It was opened in 1962." in server.prompts[0]


def test_a_follow_up_that_the_model_fails_at_is_read_as_without_it(assistant, server):
    first = assistant.ask(ASKED, worded=False)
    server.will(Fail(401))
    answer = assistant.ask("How long is it?", [Turn(ASKED, first)])
    assert answer.standalone_question == "The bridge of Hoy: How long is it?"
    assert "(401)" in answer.note and len(server.asked) == 1


def test_not_worded_asks_nothing(assistant, server):
    server.will(Say("x"))
    assert assistant.ask(ASKED, worded=False).citations and server.asked == []


@pytest.mark.parametrize(
    ("name", "url", "told"),
    [
        ("llama3.2", "", "write PROVIDER:MODEL"),
        ("olama:llama3.2", "", "anthropic, ollama, openai"),
        ("openai:", "", "write PROVIDER:MODEL"),
        ("openai:m", "localhost:8000", "must be like http://"),
        ("openai:m", "http://me:secret@host/v1", "no name or password"),
        ("", "http://127.0.0.1:8000/v1", "QA_MODEL is not"),
    ],
)
def test_a_setting_that_names_no_model_is_refused(name, url, told):
    with pytest.raises(UnknownSetting, match=told) as error:
        writer(name, url)
    assert "secret" not in str(error.value)


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "article-qa\[anthropic\]"'):
        writer("anthropic:claude-m")


def test_no_model_is_no_writer_and_a_writer_shows_no_key():
    assert writer("") is None
    assert repr(Writer("openai:m", "http://127.0.0.1/v1")) == "Writer('openai:m')"


def test_the_doctor_asks_it(server):
    server.will(Say("ready"))
    settings = Settings(model="ollama:m", model_url=server.url)
    found = {finding.name: finding for finding in examine(settings, None)}["model"]
    assert found.fine and found.found.startswith("ollama:m answers, in ")
    server.will(Fail(404, b'{"error": "model not found"}'))
    found = {finding.name: finding for finding in examine(settings, None)}["model"]
    assert not found.fine and "is not known there (404)" in found.found and "ollama pull" in found.mend


@pytest.mark.parametrize(
    "variables", [{"LANGSMITH_TRACING": "true"}, {"LANGCHAIN_TRACING_V2": "true"}, {"LANGSMITH_TRACING_V2": "true"}]
)
def test_nothing_is_traced_whatever_the_environment_says(assistants, server, monkeypatch, variables):
    from langchain_core.runnables import RunnableLambda
    from langsmith import utils

    for name, value in {**variables, "LANGSMITH_API_KEY": "none", "LANGSMITH_ENDPOINT": f"{server.url}/trace"}.items():
        monkeypatch.setenv(name, value)
    utils.get_env_var.cache_clear()
    sent = []
    monkeypatch.setattr("langsmith.Client.create_run", lambda *_, **__: sent.append(1))
    monkeypatch.setattr("langsmith.Client.update_run", lambda *_, **__: sent.append(2))
    try:
        assert utils.tracing_is_enabled()
        RunnableLambda(lambda text: text).invoke("anything else is traced")
        assert sent == [1, 2]
        sent.clear()
        server.will(Say("NONE"))
        assistant = assistants["openai"]
        assistant.ask(ASKED)
        assistant.chain.invoke(ASKED)
        assistant.chain.batch([ASKED, ASKED])
        list(assistant.chain.stream(ASKED))
        list(assistant.stream(ASKED))
        import asyncio

        asyncio.run(assistant.chain.ainvoke(ASKED))
        asyncio.run(assistant.chain.abatch([ASKED]))

        async def streamed():
            return [answer async for answer in assistant.chain.astream(ASKED)]

        assert asyncio.run(streamed())[0].answered
        assistant._writer.check()
    finally:
        utils.get_env_var.cache_clear()
    assert sent == [] and not [path for path in server.paths if "/runs" in path]


def test_a_tracer_that_a_person_hands_in_does_trace(assistants, server):
    from langchain_core.tracers.stdout import FunctionCallbackHandler

    server.will(Say("NONE"))
    heard = []
    tracer = FunctionCallbackHandler(function=heard.append)
    assistants["openai"].chain.invoke(ASKED, {"callbacks": [tracer]})
    assert any("write" in line for line in heard)


def test_what_a_model_says_is_read_strictly():
    assert claims("") == claims("NONE") == claims("NO") == ()
    [one] = claims("<think>[9] hmm</think>- It rose (3). [1; 2]")
    assert (one.text, one.numbers) == ("It rose (3).", (1, 2))
    [cut] = claims('{"claims": [{"claim": "It rose", "sent')
    assert (cut.text, cut.numbers) == ("It rose", ())
    assert claims('{"claims": "x"}') == claims('{"claims": [1, {"claim": 2}]}') == ()
    assert claims(f"It is [{'9' * 5000}]")[0].numbers == ()
    assert claims('{"claims": [{"claim": "x", "sentences": [true]}]}')[0].numbers == ()
    assert len(claims("\n".join(f"It is {n}. [1]" for n in range(100)))) <= 13


def test_what_is_offered_is_bounded_and_in_reading_order(seeds):
    offered = offer(seeds.results("What did the James Webb Space Telescope cost?").evidence)
    assert 10 < len(offered) <= 30 and sum(len(item.text) for item in offered) <= 6_000
    places = [(item.sentence.article_id, item.sentence.number) for item in offered]
    for article_id in {place[0] for place in places}:
        own = [number for article, number in places if article == article_id]
        assert own == sorted(own)


def test_a_failed_check_raises(server):
    server.will(Fail(401))
    with pytest.raises(ProviderFailure, match="OPENAI_API_KEY") as error:
        Writer("openai:m", f"{server.url}/v1").check()
    assert not error.value.retryable


def test_what_comes_as_arguments_of_the_schemas_own_tool_is_the_answer():
    """As Anthropic's client gives structured output."""
    from langchain_core.messages import AIMessageChunk

    def chunk(name, args, **more):
        block = {"type": "tool_use", "partial_json": args, "index": 0}
        part = {"type": "tool_call_chunk", "name": name, "args": args, "id": "1", "index": 0}
        return AIMessageChunk(content=[block], tool_call_chunks=[part], **more)

    said = [chunk("Claims", ""), chunk(None, '{"claims": [{"claim": "It rose.", '), chunk(None, '"sentences": [2]}]}')]
    [claim] = claims("".join(_said_in(one) for one in said))
    assert (claim.text, claim.numbers) == ("It rose.", (2,))
    assert _end_of(chunk(None, "", response_metadata={"stop_reason": "tool_use"})) == "tool_use"
    assert _end_of(chunk("fetch", "{}")) == "tool"
