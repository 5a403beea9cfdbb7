"""Pictures of the page for the README: the real page over seeds/, in Chromium.

    python -m tests.screenshots [OUT]

OUT is a folder, `tests/pictures` where none is named. A further state is one line of `STATES`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from browser import chromium
from visitor import Visitor

from qa import Assistant
from ui import server

HERE = Path(__file__).parent
COLOURS = 128

Step = Callable[[Visitor], object]


class State(NamedTuple):
    """What a picture shows, and how one gets there."""

    name: str
    theme: str
    width: int
    height: int
    steps: Sequence[Step]


def ask(question: str) -> Step:
    return lambda visitor: visitor.ask(question)


def examples(visitor: Visitor) -> None:
    visitor.page.wait_for_selector(".example")


def cited(visitor: Visitor) -> None:
    visitor.open(visitor.page.locator("a.cite").last)
    visitor.page.wait_for_timeout(400)  # the desk slides


COST = ask("What did the James Webb Space Telescope cost?")
FUEL = ask("And how long will its fuel last?")
TOWER = ask("How tall is the Eiffel Tower?")

STATES = (
    State("empty", "light", 1280, 800, [examples]),
    State("answer", "light", 1280, 800, [COST, FUEL]),
    State("desk", "light", 1280, 800, [COST, FUEL, cited]),
    State("abstained", "dark", 1280, 800, [COST, cited, TOWER]),
    State("phone", "light", 360, 740, [COST, cited]),
)


def main(out: Path) -> None:
    from PIL import Image

    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as library,
        chromium() as browser,
        Assistant.open(HERE.parent / "seeds", library, progress=False) as assistant,
    ):
        page = server.start(assistant, port=7990)
        try:
            for name, theme, width, height, steps in STATES:
                visitor = Visitor(browser, page.local_url.rstrip("/"), f"?__theme={theme}", width, height)
                for step in steps:
                    step(visitor)
                visitor.page.wait_for_timeout(300)
                shot = Image.open(io.BytesIO(visitor.page.screenshot())).convert("RGB")
                shot.quantize(COLOURS, dither=Image.Dither.NONE).save(out / f"{name}.png", optimize=True)
                visitor.context.close()
                assert visitor.bad == [], visitor.bad
                print(out / f"{name}.png", f"{(out / f'{name}.png').stat().st_size // 1024} kB")
        finally:
            page.close(verbose=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "pictures")
