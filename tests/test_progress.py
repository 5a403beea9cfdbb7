"""The bar, and Ctrl-C while it is shown."""

import os
import signal
import threading

import pytest

from index.sync import Step
from qa.progress import bar

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


class Dying:
    """Presses Ctrl-C in its destructor, where Python drops the exception."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_is_heeded_at_the_next_step_where_python_drops_it():
    with pytest.raises(KeyboardInterrupt), bar() as show:
        show(Step("Adding", 0, 2, "a.txt"))
        dying = Dying()
        del dying  # nothing is raised here
        show(Step("Adding", 1, 2, "b.txt"))
        raise AssertionError("it went on")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_bar_in_another_thread_leaves_signals_alone():
    seen = []

    def work():
        with bar() as show:
            show(Step("Adding", 0, 1, "a.txt"))
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_bar_that_was_never_needed_leaves_no_empty_line(capfd):
    with bar():
        pass
    assert capfd.readouterr() == ("", "")
