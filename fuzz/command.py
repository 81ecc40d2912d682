"""``python -m fuzz.command``: the command line itself, for a child process."""

import sys

from gaitproof.__main__ import main

if __name__ == "__main__":
    sys.argv[0] = "gaitproof"
    main()
