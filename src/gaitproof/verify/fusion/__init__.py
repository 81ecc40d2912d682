"""Gait and face joined: the only place where one knows of the other."""
