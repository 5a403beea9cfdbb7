"""What axe-core finds in the main states of the page, in both themes, wide and narrow: nothing serious."""

from __future__ import annotations

from pathlib import Path

import pytest
from linden import BAKES, HURT, NOTHING, opened
from test_web import browser  # noqa: F401  a fixture
from visitor import Visitor

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
RUN = """() => axe.run(document, { resultTypes: ["violations"] }).then(found => found.violations.map(each =>
  [each.impact, each.id, ...each.nodes.map(node => node.target.join(" ") + " " + node.html.slice(0, 120))]))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("accessible"), 7940) as (_, address):
        yield address


def findings(visitor):
    visitor.page.wait_for_timeout(400)  # what slides has slid
    return visitor.page.evaluate(RUN)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(browser, address, theme, width):  # noqa: F811
    visitor = Visitor(browser, address, f"?__theme={theme}", width)
    visitor.page.wait_for_selector(".welcome")
    visitor.page.evaluate(AXE)
    found = {"empty": findings(visitor)}
    visitor.ask(BAKES)
    visitor.ask("And where did she learn it?")
    answer = visitor.ask(HURT)
    answer.locator(".took summary").click()
    found["answer"] = findings(visitor)
    visitor.open(answer.locator("a.cite").first)
    found["desk"] = findings(visitor)
    visitor.page.click("#desk .trail summary")
    found["list"] = findings(visitor)
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("Escape")
    visitor.ask(NOTHING)
    visitor.ask("?!")
    found["abstained"] = findings(visitor)
    for room in ("Library", "Conversations"):
        visitor.page.get_by_role("button", name=room, exact=True).click()
        visitor.page.locator("dialog[open]").get_by_role("button", name="Close").wait_for()
        found[room] = findings(visitor)
        visitor.page.keyboard.press("Escape")
        visitor.page.wait_for_selector("dialog[open]", state="detached")
    serious = {state: [each for each in all_ if each[0] in ("serious", "critical")] for state, all_ in found.items()}
    assert {state: all_ for state, all_ in serious.items() if all_} == {}
    visitor.context.close()
    assert visitor.bad == []


def test_the_check_finds_what_is_wrong(browser, address):  # noqa: F811
    visitor = Visitor(browser, address)
    visitor.page.evaluate(AXE)
    visitor.page.evaluate(
        "document.querySelector('#talk').insertAdjacentHTML('beforeend',"
        " '<button></button><p style=\"color:#ccc;background:#fff\">pale</p>')"
    )
    assert {"button-name", "color-contrast"} <= {each[1] for each in findings(visitor)}
    visitor.context.close()
    assert visitor.bad == []
