"""A service in this process, whose processes see scripted walkers."""

from __future__ import annotations

import pytest
from service_client import serving


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a service on the folder ``service`` of the test."""
    return lambda **settings: serving(tmp_path / "service", **settings)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service for tests that leave it as it was; Ann is enrolled.

    A process serves once at a time, so modules that use it do not use `serve`.
    """
    folder = tmp_path_factory.mktemp("service")
    with serving(folder) as started:
        started.enroll()
        yield started


@pytest.fixture
def problem():
    """Return a function that checks that an answer is a problem of a kind, and returns it."""

    def check(answer, status, kind):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        content = answer.json()
        assert content["type"] == f"urn:gaitproof:problem:{kind}"
        assert content["status"] == status
        return content

    return check
