"""Real footage of a hard kind: the walkers of the KTH actions data set."""
