import subprocess
import sys

import snnctl


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "snnctl", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["snnctl", snnctl.__version__])
