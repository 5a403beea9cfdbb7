"""What stands around the page."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_gradio_writes_nothing_while_it_is_imported():
    program = (
        "import sys, inspect; opened, getfile = [], inspect.getfile\n"
        "sys.addaudithook(lambda event, given: opened.append(given[0]) if event == 'open' else None)\n"
        "from ui.web import _gradio; _gradio().Textbox\n"
        "print([str(path) for path in opened if str(path).endswith('.pyi')], inspect.getfile is getfile)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[] True\n"
