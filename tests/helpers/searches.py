"""Queries among scripted recordings, and whom a search of all templates in memory finds."""

import numpy as np
from scripted import make_recording

from gaitproof.verify.search import search
from gaitproof.verify.searching import Query

MAKERS = ("model-1", "pose-1")


def ask(number=3, centre=None):
    """Return a query by the mean of a recording."""
    direction = make_recording(number).embeddings.mean(axis=0)
    return Query(*MAKERS, (direction / np.linalg.norm(direction)).astype(np.float32), centre)


def by_hand(gallery, query, top):
    """Return the names that are to be found."""
    templates = gallery.templates(*MAKERS)
    vectors = np.stack([one.vector for one in templates])
    nearest = search(vectors, query.direction, top, centre=query.centre)
    return tuple(templates[row].name for row in nearest.rows)
