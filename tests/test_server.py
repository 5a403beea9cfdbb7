"""What stands around the page: logins, hosts, origins, headers, a proxy in front, and programs that ask."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from browser import chromium
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from index.errors import ArticleQAError
from ui import server as serving
from ui.chat import Chat
from ui.command import app
from ui.guard import Guard, client
from ui.login import Logins, read, save

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TELESCOPE = "What did the James Webb Space Telescope cost?"
WORDS = "four words are enough"


def show(assistant, **how):
    """Show a page; Gradio drops a dozen event loops on the way without closing them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        page = serving.start(assistant, **how)
        gc.collect()
    return page


@pytest.fixture(scope="module")
def page(seeds):
    page = show(seeds, port=8100, users=3)
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def logins(tmp_path_factory):
    path = tmp_path_factory.mktemp("logins") / "logins"
    save(path, "ann", WORDS)
    return path


@pytest.fixture(scope="module")
def locked(seeds, logins):
    """A page as behind a proxy: with logins, a prefix, and another name."""
    page = show(
        seeds,
        port=8200,
        users=3,
        logins=logins,
        root_path="articles/",
        allowed_hosts="https://News.example/, localhost",
    )
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def session(locked):
    """The headers of somebody who is logged in."""
    status, headers, _ = log_in(locked)
    assert status == 200
    return {"cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies(headers).items())}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def call(page, path, method="GET", body=None, **headers):
    at = urlsplit(page.local_url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, {"Host": at.netloc, **named})
        response = connection.getresponse()
        streams = response.headers.get_content_type() == "text/event-stream"
        return response.status, response.headers, b"" if streams else response.read()
    finally:
        connection.close()


def post(page, path, body=b"{}", **headers):
    return call(page, path, "POST", body, **{"content_type": "application/json", **headers})


def log_in(page, name="ann", password=WORDS, **headers):
    form = urlencode({"username": name, "password": password})
    return post(page, "/login", form, content_type="application/x-www-form-urlencoded", **headers)


def cookies(headers):
    jar = SimpleCookie()
    for line in headers.get_all("set-cookie", []):
        jar.load(line)
    return jar


def started(*arguments, entered=""):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=entered)


def test_gradio_writes_nothing_while_it_is_imported():
    program = (
        "import sys, inspect; opened, getfile = [], inspect.getfile\n"
        "sys.addaudithook(lambda event, given: opened.append(given[0]) if event == 'open' else None)\n"
        "from ui.web import _gradio; _gradio().Textbox\n"
        "print([str(path) for path in opened if str(path).endswith('.pyi')], inspect.getfile is getfile)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[] True\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_no_other_machine_is_served_without_a_login(host, tmp_path):
    done = started("chat", tmp_path, "--host", host)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "article-qa login NAME --logins FILE" in done.stderr
    assert not (tmp_path / ".article-qa").exists()


def test_a_host_or_a_prefix_that_is_none_is_one_sentence(seeds):
    with pytest.raises(ArticleQAError, match=r"'203\.0\.113\.7' is no address of this machine"):
        serving.start(seeds, host="203.0.113.7")
    with pytest.raises(ArticleQAError, match="'/a b' is no path"):
        serving.start(seeds, root_path="/a b")


def test_every_address_is_served_with_a_login(seeds, logins, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # which must not be asked for the page itself
    page = show(seeds, port=8300, users=1, host="0.0.0.0", logins=logins)
    try:
        port = urlsplit(page.local_url).port
        assert call(page, "/healthz", host=f"192.0.2.1:{port}")[0] == 200  # an address cannot be rebound
        assert call(page, "/healthz", host=socket.gethostname())[0] == 200
        assert call(page, "/healthz", host="evil.example")[0] == 400
        assert call(page, "/config", host=f"192.0.2.1:{port}")[0] == 401
    finally:
        page.close(verbose=False)
    assert "NO_PROXY" not in os.environ


def test_the_command_keeps_hashes_that_only_the_owner_reads(tmp_path):
    file = tmp_path / "logins"
    assert started("login", "ann", "--logins", file, entered=f"{WORDS}\n").stdout.startswith("ann can log in now")
    first = file.read_text("utf-8")
    save(file, "bob", WORDS)
    assert started("login", "ann", "--logins", file, entered=f"{WORDS}\n").stdout.startswith("ann has a new password")
    lines = read(file)
    assert list(lines) == ["bob", "ann"] and first.strip() != lines["ann"] and WORDS not in file.read_text("utf-8")
    assert len({line.split(":")[5] for line in lines.values()}) == 2, "each has a salt of its own"
    assert file.stat().st_mode & 0o777 == 0o600 and [found.name for found in tmp_path.iterdir()] == ["logins"]
    short = started("login", "ann", "--logins", file, entered="short\n")
    assert (short.exit_code, short.stderr) == (
        1,
        "The password has 5 characters; take 12 to 1,000, such as four words.\n",
    )
    assert "name one with --logins" in started("login", "ann", entered=WORDS).stderr


@pytest.mark.parametrize("name", ["", " ann", "a:b", "#ann", "a\nb", "x" * 65])
def test_a_name_that_would_break_the_file_is_refused(name, tmp_path):
    with pytest.raises(ArticleQAError, match="cannot be a name"):
        save(tmp_path / "logins", name, WORDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        (None, 0o600, "cannot be read"),
        ("# nobody\n", 0o600, "has no names in it"),
        ("ann:secret\n", 0o600, "Line 1 of .* is no login"),
        ("ann:scrypt:2:8:1:MTIzNDU2Nzg5MDEyMzQ1Ng==:eA==\n", 0o600, "Line 1 of .* is no login"),
        ("# nobody\n", 0o604, "run `chmod 600"),
        ("# nobody\n", 0o620, "run `chmod 600"),
    ],
)
def test_a_file_that_does_not_do_is_one_sentence(text, mode, told, tmp_path):
    file = tmp_path / "logins"
    if text is not None:
        file.write_text(text, "utf-8")
        file.chmod(mode)
    with pytest.raises(ArticleQAError, match=told):
        Logins(file)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(logins):
    def seconds(name):
        started = time.process_time()  # of all threads, so that other processes do not count
        assert not asyncio.run(Logins(logins).check(name, "wrong"))
        return time.process_time() - started

    known, unknown = (min(seconds(name) for _ in range(3)) for name in ("ann", "nobody"))
    assert 0.6 < known / unknown < 1.6


def test_who_guesses_waits_and_nobody_else_does(logins):
    known = Logins(logins)
    through = []

    async def tried(address, password):
        client.set(address)
        if await known.check("ann", password):
            through.append(address)

    async def guessed():
        started = time.monotonic()
        await asyncio.gather(*(tried("2001:db8::1", "wrong") for _ in range(4)))
        waited = time.monotonic() - started
        await asyncio.gather(tried("2001:db8::2", WORDS), tried("192.0.2.1", WORDS))
        return waited, time.monotonic() - started - waited

    first, then = asyncio.run(guessed())
    assert first >= 1 and then >= 2
    assert through == ["192.0.2.1", "2001:db8::2"], "the same network waits, and still gets in"


OPEN = {"/", "/login", "/login/", "/healthz", "/assets/{path:path}", "/static/{path:path}", "/favicon.ico"}
OPEN |= {"/theme.css", "/gradio_api/theme.css", "/manifest.json", "/gradio_api/startup-events"}


def test_without_a_login_every_route_is_shut_but_those_of_the_form(locked):
    routes = [(path, method) for path, methods in routes_of(locked) for method in methods]
    assert len(routes) > 60
    shut = [(path, method) for path, method in routes if path not in OPEN]
    found = {(p, m): post(locked, filled(p)) if m == "POST" else call(locked, filled(p), m) for p, m in shut}
    assert {route: found[route][0] for route in shut if found[route][0] not in (401, 404)} == {}
    for path in ("/", "/?all_endpoints=true", "/?deep_link=x", "/?page=x"):
        status, _, body = call(locked, path)
        assert status == 200 and b'"auth_required":true' in body and b"articles of" not in body
        assert b"library" not in body.split(b"<style>")[0], "nothing of the page is in the form"


def routes_of(page):
    routes = list(page.app.routes)
    for route in routes:
        routes += getattr(getattr(route, "original_router", None), "routes", [])
    return [(route.path, sorted(route.methods)) for route in routes if getattr(route, "methods", None)]


def filled(path):
    return re.sub(r"{[^}]*}", "x", path)


def test_with_a_login_the_page_and_its_calls_are_there(locked, session):
    status, _, body = call(locked, "/config", **session)
    assert status == 200 and json.loads(body)["username"] == "ann"
    assert call(locked, "/articles/config", **session)[0] == 200, "a proxy may leave its prefix"
    assert call(locked, "/gradio_api/token", **session)[0] == 404, "no script gets hold of the cookie"
    assert call(locked, "/config", cookie=session["cookie"].replace("=", "=x"))[0] == 401


def test_the_cookie_stays_with_the_page_and_off_the_open_line(locked):
    for forwarded, secure in (("http", False), ("https", True)):
        status, headers, _ = log_in(locked, x_forwarded_proto=forwarded)
        found = cookies(headers)
        assert status == 200 and len(found) == 2
        assert all(morsel["httponly"] and morsel["samesite"] == "Lax" for morsel in found.values())
        assert all(morsel["secure"] for name, morsel in found.items() if secure or "unsecure" not in name)
    assert log_in(locked, password="wrong")[0] == 400
    assert log_in(locked, name="nobody")[0] == 400


def test_who_is_taken_out_of_the_file_is_out(locked, logins):
    save(logins, "bob", WORDS)
    _, headers, _ = log_in(locked, "bob")
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies(headers).items())
    assert call(locked, "/config", cookie=cookie)[0] == 200
    logins.write_text(read(logins)["ann"] + "\n", "utf-8")
    assert call(locked, "/config", cookie=cookie)[0] == 401
    assert log_in(locked, "bob")[0] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://news.example", "host": "news.example"}, 200),
        ({"origin": "https://news.example"}, 200),  # the proxy gave its own host
        ({"origin": "https://news.example:8443", "x_forwarded_host": "news.example:8443"}, 200),
        ({"origin": "https://evil.example", "sec_fetch_site": "same-origin"}, 200),  # no page can say so
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://evil.example", "host": "news.example"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "http://news.example:81", "host": "news.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"host": "evil.example"}, 400),
        ({"host": "news.example.evil.example"}, 400),
        ({"host": "["}, 400),
        ({"x_forwarded_host": "evil.example"}, 400),
        ({"x_forwarded_host": "news.example, evil.example"}, 400),
    ],
)
def test_no_page_of_another_site_gets_anything(locked, session, headers, status):
    assert call(locked, "/config", **session, **headers)[0] == status
    assert post(locked, "/gradio_api/reset", b'{"event_id": ""}', **session, **headers)[0] == status
    assert (log_in(locked, **headers)[0] == 200) == (status == 200)


def test_a_link_from_elsewhere_opens_the_page_but_ends_no_session(locked, session):
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert call(locked, "/", **session, **link)[0] == 200
    assert call(locked, "/logout", **session, **link)[0] == 403
    assert call(locked, "/", **session, **{**link, "sec_fetch_dest": "iframe"})[0] == 403


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40))
def test_only_known_hosts_pass(host):
    reached = []

    async def inside(scope, receive, send):
        reached.append(scope)

    async def sent(message):
        assert message.get("status", 400) == 400

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "scheme": "http",
        "headers": [(b"host", host.encode("latin-1"))],
    }
    asyncio.run(Guard(inside, ["news.example"])(scope, None, sent))
    name = host.rpartition("@")[2].partition(":")[0].lower()
    assert not reached or name in ("news.example", "localhost", "127.0.0.1") or "[::1]" in host


def test_what_is_too_large_is_cut_off(page):
    big = json.dumps({"data": ["x" * 5_000_000]}).encode()
    assert post(page, "/gradio_api/call/ask", big)[0] == 413
    chunks = (big[at : at + 65536] for at in range(0, len(big), 65536))
    with pytest.raises((http.client.HTTPException, OSError)):
        assert post(page, "/gradio_api/call/ask", chunks, transfer_encoding="chunked")[0] in (400, 413, 500)
        raise http.client.HTTPException
    assert call(page, "/healthz")[0] == 200


def test_health_is_told_to_anybody_and_tells_no_secret(page, locked, seeds):
    for shown in (page, locked):
        status, _, body = call(shown, "/healthz")
        found = json.loads(body)
        assert status == 200 and set(found) == {"status", "articles", "engine", "warm"}
        assert (found["status"], found["articles"], found["engine"]) == ("ok", 12, seeds.engine)


def test_every_answer_carries_the_headers(page):
    for path in ("/", "/config", "/healthz", "/nowhere", "/theme.css", "/gradio_api/info"):
        _, headers, _ = call(page, path)
        assert headers["x-frame-options"] == "DENY" and headers["cross-origin-opener-policy"] == "same-origin"
        assert "'unsafe-inline'" not in headers["content-security-policy"].split("script-src")[1].split(";")[0]


def test_no_script_that_gets_into_the_page_runs(page, browser):
    context = browser.new_context()
    tab = context.new_page()
    said = []
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.goto(page.local_url)
    tab.wait_for_selector("#question textarea")
    assert said == []
    tab.evaluate(
        "() => { const a = document.createElement('div'); a.innerHTML = '<img src=x onerror=\"window.ran = 1\">';"
        " document.body.append(a); const s = document.createElement('script'); s.textContent = 'window.ran = 2';"
        " document.body.append(s); }"
    )
    tab.wait_for_timeout(300)
    assert tab.evaluate("window.ran === undefined") and any("Content Security Policy" in text for text in said)
    context.close()


@pytest.fixture
def proxied(locked):
    """The address of the page behind a reverse proxy."""
    program = [sys.executable, str(ROOT / "tests" / "proxy.py"), locked.local_url]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_behind_a_proxy_a_person_logs_in_and_asks(proxied, browser, tmp_path):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    asked, bad = [], []
    context.on("request", lambda request: asked.append(urlsplit(request.url)))
    tab.on("pageerror", lambda error: bad.append(str(error)))
    try:
        tab.goto(f"{proxied}/articles/")
        tab.get_by_label("username").fill("ann")
        tab.get_by_label("password").fill("not the password")
        tab.get_by_role("button", name="Login").click()
        tab.get_by_text("Incorrect Credentials").wait_for()
        tab.screenshot(path=tmp_path / "login.png")
        tab.get_by_label("username").fill("ann")
        tab.get_by_label("password").fill(WORDS)
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#question textarea")
        tab.fill("#question textarea", TELESCOPE)
        tab.press("#question textarea", "Enter")
        assert "$10 billion" in tab.locator(".answer").inner_text(timeout=30_000)
        tab.locator(".answer a.cite").first.click()
        tab.wait_for_function("document.activeElement.id === 'cited'")
        tab.screenshot(path=tmp_path / "proxied.png")
    finally:
        context.close()
    assert bad == [] and {part.netloc for part in asked if part.scheme != "data"} == {urlsplit(proxied).netloc}
    assert {part.path.split("/")[1] for part in asked if part.scheme != "data"} <= {"articles", "manifest.json"}


def client_of(page, **how):
    from gradio_client import Client

    return Client(page.local_url, verbose=False, **how)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_asks_with_types_and_a_history(page, seeds):
    client = client_of(page)
    told = client.view_api(return_format="dict", print_info=False)
    assert list(told["named_endpoints"]) == ["/ask"] and told["unnamed_endpoints"] == {}
    question, history, within = told["named_endpoints"]["/ask"]["parameters"]
    assert (question["parameter_name"], question["type"]) == ("question", {"type": "string"})
    assert (history["parameter_name"], history["parameter_has_default"]) == ("history", True)
    assert (within["parameter_name"], within["parameter_has_default"]) == ("within", True)
    answer = client.predict(TELESCOPE, api_name="/ask")
    expected = json.loads(seeds.ask(TELESCOPE).to_json())
    assert {**answer, "timings_ms": 0} == {**expected, "timings_ms": 0} and answer["status"] == "answered"
    then = client.predict("And when was it launched?", history=[answer], api_name="/ask")
    assert then["standalone_question"].startswith("How the James Webb")
    brief = [{"question": TELESCOPE, "answer": answer["text"]}]
    assert client.predict(question="And when was it launched?", history=brief, api_name="/ask")["question"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"question": "?!"}, "'?!' has no word in it"),
        ({"question": TELESCOPE, "history": [1]}, "turn 1 is a number"),
        ({"question": TELESCOPE, "history": "before"}, "it holds a text"),
        ({"question": TELESCOPE, "within": {"year": "2020"}}, '{"year": "2020"} is no filter; write an object'),
        ({"question": TELESCOPE, "within": {"sources": [1]}}, '{"sources": [1]} is no filter'),
        ({"question": TELESCOPE, "within": {"since": 2020}}, '{"since": 2020} is no filter'),
        ({"question": TELESCOPE, "within": "2020"}, '"2020" is no filter'),
        ({"question": TELESCOPE, "within": {"since": "May"}}, "'May' is no date"),
    ],
)
def test_what_a_program_did_wrong_is_one_sentence(page, given, told):
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=re.escape(told)) as error:
        client_of(page).predict(**given, api_name="/ask")
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_asks_some_articles_only(page, seeds):
    client = client_of(page)
    found = client.predict(TELESCOPE, within={"until": "2022"}, api_name="/ask")
    assert found["within"] == "until 2022-12-31" and found["status"] == "abstained"
    article = client.predict(TELESCOPE, api_name="/ask")["citations"][0]["article_id"]
    found = client.predict(TELESCOPE, within={"articles": [article], "since": "2023"}, api_name="/ask")
    assert (found["status"], found["citations"][0]["article_id"]) == ("answered", article)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_of_eight_programs_that_ask_at_once_none_loses_its_answer(page, seeds):
    questions = ["When was Hubble launched?", "Who was Kelvin Kiptum?", TELESCOPE, "How tall is the Eiffel Tower?"] * 2
    expected = [json.loads(seeds.ask(question).to_json()) for question in questions]
    client = client_of(page)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda question: client.predict(question, api_name="/ask"), questions))
    assert [answer["text"] for answer in found] == [answer["text"] for answer in expected]


def test_any_http_client_can_ask_and_openapi_says_how(page):
    schema = json.loads(call(page, "/gradio_api/openapi.json")[2])
    asked = schema["paths"]["/gradio_api/call/v2/ask"]["post"]
    assert asked["requestBody"]["content"]["application/json"]["schema"]["properties"]["question"]["type"] == "string"
    assert {path for path in schema["paths"] if "call" in path} == {
        "/gradio_api/call/v2/ask",
        "/gradio_api/call/ask/{event_id}",
    }
    _, _, body = post(page, "/gradio_api/call/v2/ask", json.dumps({"question": TELESCOPE}))
    at = urlsplit(page.local_url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    connection.request("GET", f"/gradio_api/call/ask/{json.loads(body)['event_id']}")
    said = connection.getresponse().read().decode()
    connection.close()
    assert json.loads(said.rpartition("data: ")[2])[0]["status"] == "answered"
    assert post(page, "/gradio_api/run/ask", json.dumps({"data": [TELESCOPE]}))[0] == 404, "the queue is not skipped"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_program_needs_the_login_too(locked):
    from gradio_client.exceptions import AuthenticationError

    with pytest.raises(AuthenticationError):
        client_of(locked)
    client = client_of(locked, auth=("ann", WORDS))
    assert client.predict(TELESCOPE, api_name="/ask")["status"] == "answered"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_example_in_the_readme_runs(page, capsys):
    (example,) = re.findall(r"```py\n(.*?)```", README, re.DOTALL)
    exec(compile(example.replace("http://127.0.0.1:7860", page.local_url.rstrip("/")), "README.md", "exec"), {})
    assert "$10 billion" in capsys.readouterr().out


def test_a_question_before_the_models_are_loaded_is_told_to_wait(seeds):
    chat = Chat(seeds)
    (waiting, *_), *_, (answered, *_) = chat.reply(TELESCOPE, [])
    assert "The first answer takes a few seconds longer." in waiting[-1]["content"]
    assert "10 billion" in answered[-1]["content"]
    chat.warm()
    waiting, *_ = next(chat.reply(TELESCOPE, []))
    assert "longer" not in waiting[-1]["content"]
