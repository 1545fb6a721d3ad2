"""``python -m snnctl`` is the command ``snnctl``."""

from snnctl.cli.command import main

main()
