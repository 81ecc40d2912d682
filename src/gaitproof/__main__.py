"""Run the command line as ``python -m gaitproof``."""

from gaitproof.cli.app import main

main()
