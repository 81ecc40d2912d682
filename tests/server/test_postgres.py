"""The same service on PostgreSQL: queue, keys, audit log, and a gallery per tenant."""

import pytest
from service_client import serving

from gaitproof.server.access import Access, Role
from gaitproof.server.audit import AuditLog
from gaitproof.server.database import open_database
from gaitproof.server.settings import ServiceSettings

pytestmark = pytest.mark.slow


@pytest.fixture
def url(postgres_server):
    """The URL of an empty database."""
    postgres_server.sql("CREATE DATABASE service")
    yield f"postgresql+psycopg://gaitproof@/service?host={postgres_server.folder}"
    postgres_server.sql("DROP DATABASE service WITH (FORCE)")


def test_tenants_have_galleries_of_their_own_and_jobs_survive(url, tmp_path):
    engine = open_database(url)
    headers = {}
    for tenant in ("one", "the-other"):
        _, secret = Access(engine).add_key(tenant, Role.ADMIN)
        headers[tenant] = {"Authorization": f"Bearer {secret}"}
    settings = ServiceSettings(folder=tmp_path / "service", url=url)
    with serving(settings.folder, url=url) as service:
        service.http.headers = headers["one"]
        service.enroll("Ann")
        [ann] = service.http.get("/v1/gallery").json()
        assert (ann["name"], ann["recordings"]) == ("Ann", 2)
        service.http.headers = headers["the-other"]
        assert service.http.get("/v1/gallery").json() == []
        assert service.http.get("/v1/jobs").json() == {"jobs": []}
        service.enroll("Bob", person=1)
        assert [p["name"] for p in service.http.get("/v1/gallery").json()] == ["Bob"]
        job = service.verify({"person": 1, "take": 2}, claim="Bob", seconds=30)
        service.wait(job, "running")
    with serving(settings.folder, url=url) as service:
        service.http.headers = headers["the-other"]
        assert service.job(job)["state"] in ("queued", "running")
        assert service.http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    checked = AuditLog(engine).check()
    assert not checked.fault
    assert checked.entries > 8
    assert list(tmp_path.rglob("*.db")) == []
    engine.dispose()
