"""Whatever is sent, the answer is one that OpenAPI names, and never a fault of the service."""

import json
from pathlib import Path

import pytest
import schemathesis
import tiny_worker
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from scripted_serve import running

from gaitproof.server.app import create_app
from gaitproof.server.settings import ServiceSettings

pytestmark = pytest.mark.slow

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    settings = ServiceSettings(folder=folder, requests_per_minute=10**6)
    with running(settings, tiny_worker.COMMAND) as service:
        yield service.url


document = create_app(ServiceSettings(folder=Path("unused"))).openapi()
schema = schemathesis.openapi.from_dict(document)


@schema.parametrize()
@settings(max_examples=3, suppress_health_check=list(HealthCheck), deadline=None)
def test_answers_are_those_of_the_schema(tiny, case):
    if case.path.endswith("/events"):
        return  # a stream is tested by itself
    case.validate_response(case.call(base_url=tiny), checks=CHECKS)


def test_the_schema_names_what_is_there():
    paths = document["paths"]
    assert len(paths) > 20
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
    bodies = json.dumps(document["components"]["schemas"])
    assert bodies.count('"examples"') >= 8
