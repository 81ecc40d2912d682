"""A process that works for the service and does nothing, but in the right way, or wrongly.

The name of the person to be enrolled says what it does. It starts at once, as it imports nothing.
"""

import json
import os
import sys
import time
from pathlib import Path

COMMAND = (sys.executable, "-I", "-S", __file__)


def say(**message):
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)


def do(name, task):
    if name == "crash":
        os._exit(9)
    if name == "crash once":
        marker = Path(task["videos"][0]["path"] + ".crashed")
        if not marker.exists():
            marker.touch()
            os._exit(9)
    if name == "unexpected":
        say(unexpected="Traceback of a fault")
        return
    if name == "slow":
        for step in range(600):
            say(progress=step / 600)
            time.sleep(0.1)
    say(progress=0.5)
    folder = Path(task["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps({"name": name}))
    say(done={"name": name, "added": 1})


if __name__ == "__main__":
    for line in sys.stdin:
        given = json.loads(line)
        do(given["request"]["name"], given)
