"""A progress bar on standard error, for whoever waits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.sync import Progress, Step


@contextmanager
def bar() -> Iterator[Progress]:
    """Show the steps of a sync as bars, and let Ctrl-C stop it; nothing is shown before there is something to do."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    bars = Bars(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[file]}", markup=False),
        console=console,
        transient=console.is_terminal,
    )
    tasks: dict[str, int] = {}

    def show(step: Step) -> None:
        stopped()
        if not tasks:
            bars.start()
        if step.stage not in tasks:
            tasks[step.stage] = bars.add_task(step.stage, total=step.total, file="")
        name = "".join(c if c.isprintable() else "?" for c in step.name)
        bars.update(tasks[step.stage], completed=step.done, total=step.total, file=name[-60:])  # type: ignore[arg-type]

    with _heeded() as stopped:
        try:
            yield show
        finally:
            if tasks:  # stopped without a start it would still end a line
                bars.stop()


@contextmanager
def _heeded() -> Iterator[Callable[[], None]]:
    """Give what raises `KeyboardInterrupt` if Ctrl-C was pressed; Python drops one that is raised in a destructor."""
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def stopped() -> None:
        if pressed:
            raise KeyboardInterrupt

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, press)
    try:
        yield stopped
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
