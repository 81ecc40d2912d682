"""What belongs to another tenant does not exist: whatever is asked, the answer is the same.

Every route is asked twice: with what another tenant really has, and with what nobody has. Nothing
may tell the two apart, and the other tenant has afterwards what it had before.
"""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_client import Scripted, serving

from gaitproof.server.access import Access, Role
from gaitproof.server.app import create_app
from gaitproof.server.database import open_database
from gaitproof.server.settings import ServiceSettings

pytestmark = [
    pytest.mark.slow,
    # the service's queue, in a thread beside the test, draws how long it waits
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]


@dataclass(frozen=True)
class Things:
    """Names of what a tenant may have; `nothing` are those of what nobody has."""

    person: str
    footage: str
    video: str
    job: str
    key: str
    file: str


NOTHING = Things(
    person="Trillian Astra",
    footage="magrathea",
    video="f" * 32,
    job="ffffffff-ffff-4fff-bfff-ffffffffffff",
    key="f" * 12,
    file="nothing.png",
)


@dataclass(frozen=True)
class Two:
    """A service, headers of a key of either tenant, and what the first one has."""

    service: Scripted
    ours: dict[str, str]
    theirs: dict[str, str]
    things: Things
    own_video: str
    before: list = field(default_factory=list)

    def state(self):
        """Return what the first tenant sees of itself."""
        urls = [f"/v1/{what}" for what in ("jobs", "videos", "gallery", "references", "keys")]
        urls += [f"/v1/gallery/{self.things.person}", f"/v1/jobs/{self.things.job}/result"]
        return [self.service.http.get(url, headers=self.ours).json() for url in urls]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenants")
    engine = open_database(f"sqlite:///{folder / 'service.db'}")
    keys = {t: Access(engine).add_key(t, Role.ADMIN) for t in ("ours", "theirs")}
    headers = {tenant: {"Authorization": f"Bearer {key}"} for tenant, (_, key) in keys.items()}
    engine.dispose()
    kept = {"max_queued": 1000, "requests_per_minute": 10**6, "keep_uploads": 3600}
    with serving(folder, **kept) as service:
        http = service.http
        http.headers = headers["theirs"]
        service.enroll("Marvin", person=1)
        own_video = service.upload({"person": 1, "take": 2})
        http.headers = headers["ours"]
        service.enroll("Zaphod Beeblebrox")
        job = service.do("references", name="betelgeuse", videos=[service.upload({"person": 2})])
        assert job["state"] == "done", job["problem"]
        job = service.do(
            "verifications",
            claim="Zaphod Beeblebrox",
            video=service.upload({"person": 0, "take": 2}),
            report=False,
        )
        files = http.app.state.service.jobs.files(job["id"])
        files.write("people.json", b"[]")
        files.write("report.json", b"{}")
        files.write("explanation/heart-of-gold.png", b"image")
        things = Things(
            person="Zaphod Beeblebrox",
            footage="betelgeuse",
            video=service.upload({"person": 0, "take": 3}),
            job=job["id"],
            key=keys["ours"][0].id,
            file="heart-of-gold.png",
        )
        http.headers = {}
        made = Two(service, headers["ours"], headers["theirs"], things, own_video)
        made.before.extend(made.state())
        yield made


DOCUMENT = create_app(ServiceSettings(folder="unused")).openapi()
OPERATIONS = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    # they are about whoever asks, and nothing else
    if path not in ("/v1/session", "/v1/health", "/metrics")
]
WHOSE = ("{job}", "{video}", "{key}", "/gallery/{name}", "/references/{name}")


def address(path, things, form):
    path = path.replace("/gallery/{name}", f"/gallery/{things.person}")
    path = path.replace("/references/{name}", f"/references/{things.footage}")
    path = path.replace("/files/{name}", f"/files/{things.file}")
    return path.format(job=things.job, video=things.video, key=things.key, form=form)


def schema_of(method, path):
    content = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return DOCUMENT["components"]["schemas"].get(reference.rpartition("/")[2], {})


def bodies(method, path):
    """Return a strategy for functions that make a body of what somebody has."""
    fields = schema_of(method, path).get("properties", {})
    stores = path in ("/v1/enrolments", "/v1/references")

    def make(own, chosen):
        def body(two, things):
            video = two.own_video if own and not stores else things.video
            known = {
                "video": video,
                "original": two.own_video,
                "swapped": video,
                "videos": [video],
                "claim": things.person,
                "name": things.footage if path == "/v1/references" else things.person,
                "role": "verify",
            }
            return {name: known[name] for name in fields if name in known} | chosen

        return body

    loose = {
        "person": st.sampled_from(["auto", "all", 0, 3]),
        "face": st.booleans(),
        "report": st.just(False),
        "top": st.integers(1, 100),
        "site": st.text(max_size=10),
        "method": st.sampled_from(["occlusion", "shapley"]),
    }
    chosen = st.fixed_dictionaries({}, optional={n: s for n, s in loose.items() if n in fields})
    return st.builds(make, st.booleans(), chosen)


def without_names(answer, things):
    """Return an answer with the names of what was asked about taken out."""
    if answer.status_code < 300:
        return answer.status_code, None
    text = answer.text
    for one, place in sorted(vars(things).items(), key=lambda item: -len(item[1])):
        text = text.replace(place, f"<{one}>")
    return answer.status_code, text


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_tells_what_others_have_from_what_nobody_has(two, method, path, data):
    body = data.draw(bodies(method, path))
    form = data.draw(st.sampled_from(["html", "json", "pdf"]))
    answers = {}
    for things in (two.things, NOTHING):
        sent = {"json": body(two, things)} if schema_of(method, path) else {}
        if path == "/v1/videos" and method == "post":
            sent = {"content": b"[]"}
        answers[things] = two.service.http.request(
            method, address(path, things, form), headers=two.theirs, **sent
        )
    real, none = answers[two.things], answers[NOTHING]
    assert without_names(real, two.things) == without_names(none, NOTHING)
    assert real.status_code != 403
    if any(part in path for part in WHOSE):
        assert real.status_code == 404, real.text
    if method == "get":
        for secret in vars(two.things).values():
            assert secret in address(path, two.things, form) or secret not in real.text
    if method != "get":
        assert two.state() == two.before


def test_every_route_about_something_is_asked():
    parts = {part for part in WHOSE for _, path in OPERATIONS if part in path}
    assert parts == set(WHOSE)
    assert len(OPERATIONS) > 25
    # bodies that a schema names are really filled
    for method, path in OPERATIONS:
        needed = set(schema_of(method, path).get("required", []))
        assert needed <= {"video", "videos", "original", "swapped", "claim", "name", "role"}


def test_a_video_that_a_job_of_others_needs_is_no_secret_told(two, problem):
    slow = two.service.http.post(
        "/v1/videos", content=json.dumps({"walk": [], "seconds": 20}), headers=two.ours
    ).json()["id"]
    job = two.service.http.post(
        "/v1/identifications", json={"video": slow}, headers=two.ours
    ).json()
    try:
        answer = two.service.http.delete(f"/v1/videos/{slow}", headers=two.theirs)
        problem(answer, 404, "unknown-video")
        problem(two.service.http.delete(f"/v1/videos/{slow}", headers=two.ours), 409, "in-use")
    finally:
        two.service.http.post(f"/v1/jobs/{job['id']}/cancel", headers=two.ours)
