"""One person's walk on another's body, and whose the verdicts say it is."""
