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
    with serving(folder) as found:
        found.enroll()
        yield found


@pytest.fixture
def problem():
    """Return a function that checks that an answer is a problem of a kind, and returns it."""

    def check(answer, status, kind):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        found = answer.json()
        assert found["type"] == f"urn:gaitproof:problem:{kind}"
        assert found["status"] == status
        return found

    return check
