"""A person at the page, in a browser of their own, who notes whatever should not happen."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import urlsplit

# Gives each element's contrast of its text with what is behind it.
CONTRAST = """names => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
                        if (c.length < 4 || c[3] > 0.99) return c.slice(0, 3); } return [255, 255, 255]; };
  return names.map(name => { const e = document.querySelector(name);
    const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    return [name, (a + 0.05) / (b + 0.05)]; });
}"""


class Visitor:
    """One browser session; it notes dialogs, errors and requests, and fails on any that should not be."""

    def __init__(self, browser, address, query="?__theme=light", width=1280, height=800, script=""):
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.bad: list[str] = []
        self.page.on("dialog", lambda dialog: (self.bad.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.bad.append(f"error {error}"))
        self.page.on("console", lambda said: self.bad.append(said.text) if said.type == "error" else None)
        self.context.on("request", self._request)
        self.page.add_init_script(script)
        self.page.goto(f"{address}/{query}")
        self.page.wait_for_selector("#question textarea")

    def _request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.bad.append(f"request {request.url}")

    def ask(self, question):
        before = self.page.locator(".answer, .problem").count()
        self.page.fill("#question textarea", question)
        self.page.press("#question textarea", "Enter")
        return self.answer_after(before)

    def answer_after(self, before):
        self.page.wait_for_function("n => document.querySelectorAll('.answer, .problem').length > n", arg=before)
        return self.page.locator(".answer, .problem").last

    def open(self, link):
        link.click()
        mark = self.page.locator("#cited")
        self.page.wait_for_function("document.activeElement.id === 'cited'")
        return mark

    def sideways(self):
        return self.page.evaluate(
            "[document.documentElement, ...document.querySelectorAll('.bubble-wrap, #desk .text, #masthead, #ask')]"
            ".some(e => e.scrollWidth > Math.max(e.clientWidth, 1) + 1)"
        )


@contextmanager
def visitors(browser, address, kind=Visitor):
    """Give a function that sends a visitor to the page; at the end, none of them may have noted anything."""
    sent = []

    def visit(at=address, **how):
        sent.append(kind(browser, at, **how))
        return sent[-1]

    yield visit
    for visitor in sent:
        visitor.page.wait_for_timeout(50)
        visitor.context.close()
        assert visitor.bad == []


def text_of(locator):
    return locator.evaluate("element => element.textContent")


def in_view(visitor):
    mark, room = (visitor.page.locator(name).bounding_box() for name in ("#cited", "#desk .text"))
    return room["y"] <= mark["y"] and mark["y"] + mark["height"] <= room["y"] + room["height"] and room["width"] > 200
