"""Whether memory stays flat over a long video, and over many short ones."""
