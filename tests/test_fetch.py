"""The guarded fetcher, against servers that mean no good; none of them is asked unless the test allows it."""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import NotFetched
from index.fetch import Fetcher, is_public

PAGE = b"<html><title>Storm</title><body><p>The storm reached the harbour on Friday.</p></body></html>"
HTML = "Content-Type: text/html; charset=utf-8\r\n"


class Site:
    """A web server on a port of this machine that says what it is told to, byte for byte, and counts who came."""

    def __init__(self, says, trust=None):
        self.says = says
        self.trust = trust
        self.asked: list[str] = []
        self.came = Counter()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                talk, _ = self.listening.accept()
                self.came["connections"] += 1
                threading.Thread(target=self._answer, args=(talk,), daemon=True).start()

    def _answer(self, talk):
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.enter_context(talk)
            if self.trust:
                talk = closing.enter_context(
                    self.trust.wrap_socket(talk, server_side=True, do_handshake_on_connect=False)
                )
                talk.do_handshake()
            request = b""
            while b"\r\n\r\n" not in request:
                block = talk.recv(4096)
                if not block:
                    return
                request += block
            self.asked.append(request.decode("latin-1"))
            path = request.split(b" ", 2)[1].decode()
            for part in self.says(path):
                talk.sendall(part)
            talk.shutdown(socket.SHUT_WR)

    def close(self):
        self.listening.close()


def reply(body=PAGE, status="200 OK", headers=HTML):
    return [f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body]


def moved(to):
    return reply(b"", "302 Found", f"Location: {to}\r\n")


@pytest.fixture
def site():
    sites = []

    def site(says, **how):
        sites.append(Site(says if callable(says) else lambda path: says, **how))
        return sites[-1]

    yield site
    for one in sites:
        one.close()


def fetcher(*sites, allowed=lambda address: True, resolve=lambda host, port: ["127.0.0.1"], **limits):
    ports = frozenset(site.port for site in sites)
    return Fetcher(ports=ports | {80, 443}, allowed=allowed, resolve=resolve, **limits)


def refused(fetch, url):
    with pytest.raises(NotFetched) as caught:
        fetch(url)
    told = str(caught.value)
    assert "\n" not in told and "; " in told, "one sentence that says what to do next"
    return caught.value.code, told


def test_a_page_comes_with_its_address_and_kind(site):
    one = site(reply())
    found = fetcher(one)(f"http://News.Example:{one.port}/a b/ü?q=1 2#part".replace(" ", "%20"))
    assert (found.data, found.suffix, found.charset) == (PAGE, ".html", "utf-8")
    assert found.url == f"http://news.example:{one.port}/a%20b/%C3%BC?q=1%202"
    request = one.asked[0]
    assert request.startswith("GET /a%20b/%C3%BC?q=1%202 HTTP/1.1\r\n") and f"Host: news.example:{one.port}" in request
    assert "cookie" not in request.lower() and "authorization" not in request.lower()


def test_this_machine_is_refused_by_default(site):
    one = site(reply())
    plain = Fetcher(ports=frozenset({one.port}))
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]",
                 "[::ffff:127.0.0.1]", "[::]"):  # fmt: skip
        code, told = refused(plain, f"http://{host}:{one.port}/")
        assert code in ("blocked_url", "fetch_failed"), told
    assert not one.came


PRIVATE = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 100.100.100.200 169.254.169.254 169.254.170.2 0.0.0.0
198.18.0.1 192.0.2.1 192.88.99.1 224.0.0.1 240.0.0.1 255.255.255.255 168.63.129.16 ::1 :: fe80::1 fec0::1 fc00::1
fd00:ec2::254 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
2002:7f00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_that_are(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_a_private_address_hides_in_no_other_form(address):
    forms = [f"::ffff:{address}", str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address)))]
    assert all(is_public(form) == is_public(str(address)) for form in forms)
    assert not is_public(f"::{address}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "begin with http"),
        ("ftp://a.example/x", "begin with http"),
        ("javascript:alert(1)", "begin with http"),
        ("a.example/x", "begin with http"),
        ("", "begin with http"),
        ("http://", "no host"),
        ("http:///x", "no host"),
        ("http://good@evil.example/", "user name"),
        ("http://good:word@evil.example/", "user name"),
        ("http://good\\@evil.example/", "characters"),
        ("http://a.example/\r\nX: 1", "characters"),
        ("http://a\u200b.example/", "characters"),
        ("http://a b.example/", "characters"),
        ("http://a.example:22/", "port 22"),
        ("http://a.example:99999/", "no web address"),
        ("http://[::1/", "no web address"),
        ("http://[fe80::1%25eth0]/", "public"),
        ("http://a.example/" + "x" * 3000, "longer"),
    ],
)
def test_addresses_that_are_none(url, told):
    def never(host, port):
        raise AssertionError("no name may be asked for")

    literal = "fe80" in url
    code, found = refused(Fetcher(resolve=(lambda host, port: [host]) if literal else never), url)
    assert code == "blocked_url" and told in found


def test_a_name_with_one_private_address_is_refused(site):
    one = site(reply())
    code, told = refused(fetcher(one, allowed=is_public, resolve=lambda *_: ["93.184.216.34", "127.0.0.1"]),
                         f"http://mixed.example:{one.port}/")  # fmt: skip
    assert code == "blocked_url" and "mixed.example (127.0.0.1)" in told and not one.came


def test_a_name_that_changes_its_mind_is_asked_once(site):
    """The checked address is the one that is connected to, and it is not resolved again."""
    good, evil = site(reply(b"<p>good</p>")), site(reply(b"<p>evil</p>"))
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return next(answers)

    found = fetcher(good, evil, allowed=lambda a: a == "127.0.0.1", resolve=rebinding)(f"http://a.example:{good.port}/")
    assert found.data == b"<p>good</p>" and asked == ["a.example"] and not evil.came


def test_each_redirect_is_checked_again(site):
    secret = site(reply(b"<p>secret</p>"))
    names = {"public.example": ["127.0.0.1"], "inner.example": ["127.0.0.2"]}
    hops = {}
    front = site(lambda path: hops[path])
    hops |= {
        "/inner": moved(f"http://inner.example:{secret.port}/"),
        "/file": moved("file:///etc/passwd"),
        "/port": moved("http://public.example:22/"),
        "/user": moved(f"http://a@public.example:{front.port}/page"),
        "/relative": moved("../page?x=1"),
        "/page?x=1": reply(),
        "/loop": moved("/loop"),
        "/broken": moved("http://[bad"),
        "/accent": moved("/café"),  # not encoded, which browsers take
        "/caf%C3%A9": reply(),
    }
    fetch = fetcher(front, secret, allowed=lambda a: a == "127.0.0.1", resolve=lambda host, port: names[host])
    at = f"http://public.example:{front.port}"
    for path in ("/inner", "/file", "/port", "/user"):
        assert refused(fetch, at + path)[0] == "blocked_url"
    assert not secret.came
    assert fetch(f"{at}/relative").url == f"{at}/page?x=1"
    assert fetch(f"{at}/accent").url == f"{at}/caf%C3%A9"
    code, told = refused(fetch, f"{at}/broken")
    assert code == "fetch_failed" and "leads on to what is no address (http://[bad)" in told
    front.asked.clear()
    code, told = refused(fetch, f"{at}/loop")
    assert code == "fetch_failed" and "5 times" in told and len(front.asked) == 6


def test_limits_of_size(site):
    big = b"x" * 5_000

    def endless(path):
        yield f"HTTP/1.1 200 OK\r\n{HTML}\r\n".encode()
        while True:
            yield big

    bomb = gzip.compress(bytes(50_000_000))
    for says in (endless, reply(big * 10), reply(bomb, headers=HTML + "Content-Encoding: gzip\r\n")):
        one = site(says)
        code, told = refused(fetcher(one, size=20_000), f"http://a.example:{one.port}/")
        assert code == "too_large", told
    packed = site(reply(gzip.compress(PAGE), headers=HTML + "Content-Encoding: gzip\r\n"))
    assert fetcher(packed, size=20_000)(f"http://a.example:{packed.port}/").data == PAGE


def test_limits_of_time(site):
    def drips(path):
        yield f"HTTP/1.1 200 OK\r\n{HTML}\r\n".encode()
        for _ in range(100):
            time.sleep(0.1)
            yield b"x"

    def drips_headers(path):
        yield b"HTTP/1.1 200 OK\r\n"
        for n in range(100):
            time.sleep(0.1)
            yield f"X-{n}: y\r\n".encode()

    def silent(path):
        time.sleep(10)
        return []

    for says in (drips, drips_headers, silent):
        one = site(says)
        started = time.monotonic()
        assert refused(fetcher(one, seconds=0.6), f"http://a.example:{one.port}/")[0] == "timeout"
        assert time.monotonic() - started < 5
    code, _ = refused(Fetcher(seconds=0.2, resolve=lambda *_: time.sleep(3) or ["93.184.216.34"]), "http://a.example/")
    assert code == "timeout"


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (reply(b"", "404 Not Found"), "fetch_failed"),
        (reply(b"", "204 No Content"), "fetch_failed"),
        (reply(b"", "500 Oh <b>no</b>"), "fetch_failed"),
        (reply(PAGE, headers="Content-Type: image/png\r\n"), "bad_type"),
        (reply(PAGE, headers="Content-Type: application/zip\r\n"), "bad_type"),
        (reply(PAGE, headers=""), "bad_type"),
        (reply(PAGE, headers=HTML + "Content-Encoding: br\r\n"), "fetch_failed"),
        (reply(b"no gzip", headers=HTML + "Content-Encoding: gzip\r\n"), "fetch_failed"),
        (reply(gzip.compress(PAGE)[:-9], headers=HTML + "Content-Encoding: gzip\r\n"), "fetch_failed"),
        ([b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\nshort"], "fetch_failed"),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], "fetch_failed"),
        ([], "fetch_failed"),
    ],
)
def test_answers_that_are_no_article(site, says, code):
    one = site(says)
    assert refused(fetcher(one), f"http://a.example:{one.port}/")[0] == code


@pytest.mark.parametrize(
    ("kind", "path", "suffix"),
    [
        ("text/plain", "/a", ".txt"),
        ("text/plain; charset=latin-1", "/notes.md", ".md"),
        ("application/octet-stream", "/paper.PDF", ".pdf"),
        ("", "/a.docx", ".docx"),
        ("application/pdf", "/a.html", ".pdf"),
        ("application/xhtml+xml", "/", ".html"),
    ],
)
def test_the_kind_of_a_page(site, kind, path, suffix):
    one = site(reply(headers=f"Content-Type: {kind}\r\n" if kind else ""))
    assert fetcher(one)(f"http://a.example:{one.port}{path}").suffix == suffix


def test_no_proxy_of_the_environment_is_asked(site, monkeypatch):
    one, proxy = site(reply()), site(reply(b"<p>proxy</p>"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert fetcher(one)(f"http://a.example:{one.port}/").data == PAGE and not proxy.came


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
         "-subj", "/CN=good.example", "-addext", "subjectAltName=DNS:good.example"],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("needs openssl")
    return cert, key


def test_the_certificate_must_be_that_of_the_name(site, certificate):
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    one, plain = site(reply(), trust=serving), site(reply())
    leads = site(moved(f"http://good.example:{plain.port}/"), trust=serving)
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    fetch = fetcher(one, plain, leads, trust=trust)
    assert fetch(f"https://good.example:{one.port}/").data == PAGE
    for url, strict in ((f"https://evil.example:{one.port}/", trust), (f"https://good.example:{one.port}/", None)):
        code, told = refused(fetcher(one, trust=strict), url)
        assert code == "fetch_failed" and "certificate" in told
    code, told = refused(fetch, f"https://good.example:{leads.port}/")
    assert code == "fetch_failed" and "https to http" in told and not plain.came
