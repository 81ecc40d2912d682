"""Ask a gaitproof service from Python.

>>> from gaitproof.client import Client
>>> with Client("http://127.0.0.1:8765", "gp_…") as service:  # doctest: +SKIP
...     video = service.upload("clip.mp4")
...     job = service.wait(service.verify(video, "Ann"))
...     service.result(job)["headline"]
'AUTHENTIC — Verified as Ann'

`AsyncClient` has the same methods, to be awaited. What a service refuses is a `ServiceError`.
"""

from gaitproof.client.calls import Job, Person, Problem, ServiceError, Video
from gaitproof.client.clients import AsyncClient, Client
from gaitproof.types.jobs import JobState

__all__ = [
    "AsyncClient",
    "Client",
    "Job",
    "JobState",
    "Person",
    "Problem",
    "ServiceError",
    "Video",
]
