"""``python -m snnctl`` is the command ``snnctl``."""

from snnctl.cli.main import main

main()
