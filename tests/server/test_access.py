"""Nobody gets in who should not, and nobody sees what is not theirs."""

import sqlite3
from contextlib import closing

import pytest
from service_client import serving

from gaitproof.server.access import Access, Role
from gaitproof.server.database import open_database
from gaitproof.server.guards import COOKIE


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A service with keys, and a function that makes headers with one."""
    folder = tmp_path_factory.mktemp("guarded")
    engine = open_database(f"sqlite:///{folder / 'service.db'}")

    def headers(role="admin", tenant="default"):
        _, secret = Access(engine).add_key(tenant, Role(role))
        return {"Authorization": f"Bearer {secret}"}

    headers()
    with serving(folder) as service:
        yield service.http, headers, folder
    engine.dispose()


OPERATIONS = [
    ("GET", "/v1/jobs", "verify"),
    ("GET", "/v1/videos", "verify"),
    ("GET", "/v1/gallery", "verify"),
    ("GET", "/v1/references", "verify"),
    ("POST", "/v1/verifications", "verify"),
    ("POST", "/v1/enrolments", "enrol"),
    ("POST", "/v1/references", "enrol"),
    ("DELETE", "/v1/gallery/Nobody", "enrol"),
    ("DELETE", "/v1/references/nothing", "enrol"),
    ("GET", "/v1/keys", "admin"),
    ("POST", "/v1/keys", "admin"),
    ("GET", "/v1/audit", "admin"),
    ("GET", "/metrics", "admin"),
]


@pytest.mark.parametrize(("method", "path", "least"), OPERATIONS)
@pytest.mark.parametrize("role", ["", "verify", "enrol", "admin"])
def test_a_key_opens_what_its_role_may(guarded, method, path, least, role):
    http, headers, _ = guarded
    answer = http.request(method, path, headers=headers(role) if role else {}, json={})
    if not role:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    else:
        assert (answer.status_code == 403) is (not Role(role).covers(Role(least)))


def test_every_operation_but_health_needs_a_key(guarded):
    http, _, _ = guarded
    paths = http.get("/v1/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if path in ("/v1/health",) or (path, method) == ("/v1/session", "post"):
                continue
            assert operation["security"], (method, path)


@pytest.mark.parametrize("key", ["", "x", "gp_0123456789ab_" + "x" * 43, "gp_é", "a b"])
def test_what_is_no_key_opens_nothing(guarded, key):
    http, _, _ = guarded
    sent = {"Authorization": f"Bearer {key}".encode()}
    assert http.get("/v1/jobs", headers=sent).status_code in (401, 429)


def test_a_revoked_key_and_its_sessions_end_at_once(guarded):
    http, headers, _ = guarded
    admin, victim = headers(), headers("verify")
    secret = victim["Authorization"].removeprefix("Bearer ")
    cookie = http.post("/v1/session", json={"key": secret}).cookies[COOKIE]
    http.cookies.clear()
    session = {"Cookie": f"{COOKIE}={cookie}"}
    assert http.get("/v1/jobs", headers=session).status_code == 200
    assert http.delete(f"/v1/keys/{secret[3:15]}", headers=admin).status_code == 204
    assert http.get("/v1/jobs", headers=victim).status_code == 401
    assert http.get("/v1/jobs", headers=session).status_code == 401
    assert http.delete(f"/v1/keys/{secret[3:15]}", headers=admin).status_code == 404


def test_a_session_changes_nothing_without_its_token(guarded, problem):
    http, headers, _ = guarded
    secret = headers("enrol")["Authorization"].removeprefix("Bearer ")
    answer = http.post("/v1/session", json={"key": secret})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    csrf = answer.json()["csrf"]
    assert http.get("/v1/session").json()["csrf"] == csrf
    problem(http.post("/v1/videos", content=b"x"), 403, "csrf")
    wrong = {"X-CSRF-Token": "x" * 43}
    problem(http.post("/v1/videos", content=b"x", headers=wrong), 403, "csrf")
    right = {"X-CSRF-Token": csrf}
    assert http.post("/v1/videos", content=b"x", headers=right).status_code == 201
    assert http.delete("/v1/session", headers=right).status_code == 204
    http.cookies.clear()
    answer = http.get("/v1/jobs", headers={"Cookie": f"{COOKIE}={cookie.split('=')[1]}"})
    assert answer.status_code == 401


def test_secrets_are_not_stored(guarded):
    http, headers, folder = guarded
    made = http.post("/v1/keys", json={"role": "verify"}, headers=headers()).json()
    session = http.post("/v1/session", json={"key": made["secret"]}).cookies[COOKIE]
    http.cookies.clear()
    with closing(sqlite3.connect(folder / "service.db")) as database:
        dump = "\n".join(database.iterdump())
    assert made["id"] in dump
    for secret in (made["secret"], made["secret"].split("_", 2)[2], session):
        assert secret not in dump
        assert secret.encode().hex() not in dump.lower()


@pytest.mark.slow
def test_tenants_see_nothing_of_each_other(guarded):
    http, headers, _ = guarded
    ours, theirs = headers("admin", "ours"), headers("admin", "theirs")
    video = http.post("/v1/videos", content=b"[]", headers=ours).json()["id"]
    body = {"name": "Ann", "videos": [video]}
    job = http.post("/v1/enrolments", json=body, headers=ours | {"Idempotency-Key": "k"}).json()
    for path in (
        f"/v1/jobs/{job['id']}",
        f"/v1/jobs/{job['id']}/result",
        f"/v1/jobs/{job['id']}/report.html",
        f"/v1/jobs/{job['id']}/events",
        f"/v1/jobs/{job['id']}/files",
        f"/v1/jobs/{job['id']}/people",
    ):
        assert http.get(path, headers=theirs).status_code == 404, path
    assert http.post(f"/v1/jobs/{job['id']}/cancel", headers=theirs).status_code == 404
    assert http.delete(f"/v1/jobs/{job['id']}", headers=theirs).status_code == 404
    assert http.delete(f"/v1/videos/{video}", headers=theirs).status_code in (404, 409)
    assert http.post("/v1/enrolments", json=body, headers=theirs).status_code == 422
    assert http.get("/v1/jobs", headers=theirs).json() == {"jobs": []}
    assert http.get("/v1/videos", headers=theirs).json() == []
    assert {e["tenant"] for e in http.get("/v1/audit", headers=theirs).json()} <= {"theirs"}
    ids = [key["id"] for key in http.get("/v1/keys", headers=ours).json()]
    assert [http.delete(f"/v1/keys/{i}", headers=theirs).status_code for i in ids] == [404]
    # the same idempotency key of another tenant is another job
    again = http.post("/v1/videos", content=b"[]", headers=theirs).json()["id"]
    other = http.post(
        "/v1/enrolments",
        json={"name": "Ann", "videos": [again]},
        headers=theirs | {"Idempotency-Key": "k"},
    ).json()
    assert other["id"] != job["id"]


@pytest.mark.parametrize("tenant", ["", "a/b", "..", "A", "x" * 33, "a\n", "-a", "ä"])
def test_names_of_tenants_are_never_more_than_names(tmp_path, tenant):
    engine = open_database(f"sqlite:///{tmp_path / 'service.db'}")
    with pytest.raises(Exception, match="no name of a tenant"):
        Access(engine).add_key(tenant, Role.VERIFY)
    engine.dispose()
