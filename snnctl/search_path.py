"""The current folder is not searched for Python because of ``python -m snnctl``; it may be a stranger's.

Python puts it first on ``sys.path`` for ``-m``. It has to go before anything else is imported, so nothing but what
Python itself has loaded is imported here.
"""

from __future__ import annotations

import sys


def leave_current_folder() -> None:
    """Take the current folder off ``sys.path`` where ``python -m snnctl`` has put it there.

    What ``PYTHONPATH`` says stays, and so does the path of a program that imports this package.
    """
    # While runpy looks for the module, "-m" stands for its name, and what follows are its arguments.
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path:
        return
    module = sys.orig_argv[-len(sys.argv)]
    if module.partition(".")[0] == "snnctl" or (module[0] == "-" and module.endswith("msnnctl")):
        del sys.path[0]
