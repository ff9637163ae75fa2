"""Run a command on the display there is, or under a virtual one: ``display.py [--software] COMMAND ...``."""

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Run the command and return its exit code."""
    arguments = sys.argv[1:]
    software = arguments[:1] == ["--software"]
    command = arguments[1:] if software else arguments
    needs = sys.platform.startswith("linux")
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if needs and (software or not shown):
        if shutil.which("xvfb-run") is None:
            sys.stderr.write("There is no display and no xvfb-run: install xvfb, or set DISPLAY.\n")
            return 1
        os.environ["GLASSCELL_VIRTUAL_DISPLAY"] = "1"
        os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
        os.environ.pop("WAYLAND_DISPLAY", None)
        command = ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24 +extension GLX", *command]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
