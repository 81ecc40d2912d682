"""The page in a real browser, on a real service with real processes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from chromium import PATIENCE, browser, needs_chromium
from filmed_service import COMMAND, film
from scripted_serve import running

from gaitproof.client import Client, JobState
from gaitproof.report.casefile import parse_report
from gaitproof.report.casefile.seal import is_intact
from gaitproof.server.settings import ServiceSettings

AXE = Path(__file__).parents[1] / "assets" / "axe-core-4.10.3.min.js"
pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Ann and Ben, one clip each to enrol and one to verify; and both together."""
    folder = tmp_path_factory.mktemp("clips")
    ann, ben = {"person": 1, "seconds": 3.0}, {"person": 5, "seconds": 3.0}
    left, right = {**ann, "take": 3, "beside": -150}, {**ben, "beside": 150}
    return {
        "ann": film(folder / "ann.mp4", ann),
        "ben": film(folder / "ben.mp4", ben),
        "genuine": film(folder / "genuine.mp4", {**ann, "take": 2}),
        "swapped": film(folder / "swapped.mp4", {**ben, "take": 2}),
        "both": film(folder / "both.mp4", left, right),
        "short": film(folder / "short.mp4", {**ann, "seconds": 1.0}),
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory, clips):
    """A service that knows Ann, and has verified her: whatever test asks it first."""
    settings = ServiceSettings(folder=tmp_path_factory.mktemp("page") / "service")
    with running(settings, COMMAND) as service, Client(service.url) as client:
        for ask, clip in (
            (lambda video: client.enroll("Ann", [video]), "ann"),
            (lambda video: client.verify(video, "Ann"), "genuine"),
        ):
            job = client.wait(ask(client.upload(clips[clip])), seconds=PATIENCE / 1000)
            assert job.state is JobState.DONE
        yield service.url


@pytest.fixture
def new_url(tmp_path):
    """A service that knows nobody yet."""
    with running(ServiceSettings(folder=tmp_path / "service"), COMMAND) as service:
        yield service.url


@pytest.fixture
def page(chromium, request):
    """A page that must not complain."""
    url = request.getfixturevalue("new_url" if "new_url" in request.fixturenames else "url")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened, complaints = context.new_page(), []
    opened.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    asked, own = [], (url, "blob:", "data:")
    opened.on("request", lambda request: asked.append(request.url))
    opened.set_default_timeout(PATIENCE)
    yield opened
    context.close()
    assert [where for where in asked if not where.startswith(own)] == []
    # what the service refuses with a reason is shown, and the browser's console says so too
    assert [text for text in complaints if "status of 4" not in text] == []


def go(page, url, where):
    page.goto("about:blank")  # a page that is left loses what it held
    page.goto(f"{url}/#/{where}")
    page.wait_for_selector(f"main[data-shown='#/{where}']")
    page.wait_for_load_state("networkidle")


def enrol(page, url, name, *videos):
    go(page, url, "enrol")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("input[type=file]").set_input_files(videos)
    page.get_by_role("button", name=re.compile(r"^Enrol \d")).click()
    page.wait_for_selector(".stack > div > .box")  # the sum of all videos


def verify(page, url, claim, video, **stated):
    go(page, url, "verify")
    page.get_by_label("Whom does it claim to show?").select_option(claim)
    page.locator("section input[type=file]").first.set_input_files(video)
    page.get_by_label("Look at the face too").uncheck()
    if stated:
        page.get_by_text("Case, place").click()
    for label, value in stated.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Verify", exact=True).click()
    page.wait_for_selector(".verdict, .box.wrong")
    assert page.locator(".box.wrong").all_inner_texts() == []


def check_access(page):
    """Have axe-core look at the page; the tags are those of WCAG 2.2 A and AA."""
    # evaluated and not added as an element: the page allows no script but its own
    page.evaluate(AXE.read_text("utf-8") + "; 0")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    serious = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
    serious_violations = [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in serious]
    assert serious_violations == []


def test_from_enrolment_to_report(page, new_url, clips, tmp_path):
    url = new_url
    go(page, url, "verify")
    assert page.get_by_text("Nobody is enrolled yet").is_visible()
    enrol(page, url, "Ann", clips["ann"], clips["short"])
    cards = page.locator(".file")
    assert "two-second window" in cards.nth(0).inner_text()
    assert "at least 2 s are needed" in cards.nth(1).inner_text()
    assert "Ann is enrolled from 1 video." in page.locator(".box.right").inner_text()
    enrol(page, url, "Ben", clips["ben"])

    stated = {"Case": "2026-17", "Exhibit": "K4", "Examiner": "E. Xaminer"}
    verify(page, url, "Ann", clips["genuine"], **stated)
    verdict = page.locator(".verdict").inner_text()
    assert "AUTHENTIC" in verdict
    assert "What this does not mean" in verdict
    assert "lips or voice were replaced" in verdict
    shown = page.locator("main").inner_text()
    assert not re.search(r"\b(null|undefined|NaN|\[object)", shown)
    check_report(page, tmp_path)
    check_player(page)

    verify(page, url, "Ann", clips["swapped"])
    assert "DEEPFAKE" in page.locator(".verdict").inner_text()
    go(page, url, "jobs")
    assert page.locator("tbody tr").count() == 5  # the short one has its job too


def check_report(page, tmp_path):
    for form, begin in (("HTML", b"<!doctype html"), ("PDF", b"%PDF"), ("JSON", b"{")):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=f"Download as {form}").click()
        path = tmp_path / f"report.{form.lower()}"
        waiting.value.save_as(path)
        assert path.read_bytes().lower().startswith(begin.lower())
    sealed, message = parse_report((tmp_path / "report.json").read_bytes())
    assert is_intact(sealed, message)
    assert sealed.content.stated.exhibit == "K4"
    shown = (tmp_path / "report.html").read_text("utf-8")
    assert all(text in shown for text in ("2026-17", "K4", "E. Xaminer"))
    result = page.evaluate(
        "fetch(location.hash.replace('#/', '/v1/') + '/result').then(r => r.json())"
    )
    verdict = sealed.content.verdict
    assert (result["similarity"], result["log10_lr"]) == (verdict.similarity, verdict.log10_lr)


def check_player(page):
    """Jump to a moment; the skeleton is drawn over the video, and goes when it is not wanted."""
    page.wait_for_function("document.querySelector('.stage video')?.readyState >= 2")
    page.locator(".chips button").last.click()
    drawn = (
        "(() => { const c = document.querySelector('.stage canvas');"
        " return c.width > 0 && c.getContext('2d').getImageData(0, 0, c.width, c.height)"
        ".data.some(v => v > 0); })()"
    )
    page.wait_for_function(drawn)
    assert page.locator("input.time").input_value() != "0"
    page.get_by_label("Skeleton").uncheck()
    page.wait_for_function(f"!{drawn}")


def test_one_of_two_people_is_chosen(page, url, clips):
    verify(page, url, "Ann", clips["both"])
    assert "INCONCLUSIVE" in page.locator(".verdict").inner_text()
    assert page.locator(".person img").count() == 2
    check_access(page)
    page.locator(".person").nth(0).click()
    first = page.url
    page.get_by_role("button", name="Verify this person").click()
    page.wait_for_url(lambda now: now != first)
    page.wait_for_selector(".verdict.authentic")


def test_one_of_two_people_is_enrolled(page, url, clips):
    enrol(page, url, "Cho", clips["both"])
    total = page.locator(".stack > div > .box")
    assert total.inner_text() == "Choose above who is meant, in 1 video."
    assert page.locator(".file .person img").count() == 2
    check_access(page)
    page.locator(".person").nth(0).click()
    page.get_by_role("button", name="Enrol this person").click()
    total.filter(has_text="Cho is enrolled from 1 video.").wait_for()
    assert "two-second window" in page.locator(".file p.good").inner_text()

    go(page, url, "jobs")
    page.get_by_role("link", name="Cho").nth(1).click()  # the first try, to be made good
    page.locator(".person").nth(1).wait_for()
    assert "--person" not in page.locator("main").inner_text()
    page.locator(".person").nth(1).click()
    gone = {"type": "urn:gaitproof:problem:unknown-video", "title": "Gone.", "status": 422}
    page.route("**/v1/enrolments", lambda route: route.fulfill(status=422, json=gone))
    with page.expect_request("**/v1/enrolments") as asked:
        page.get_by_role("button", name="Enrol this person").click()
    assert asked.value.post_data_json["person"] == 1
    page.get_by_text("The video is not kept any more.").wait_for()


def test_figures_of_the_face_are_kept_if_that_is_wanted(page, url, clips):
    asked = []

    def refuse(route):
        asked.append(route.request.post_data_json)
        route.fulfill(status=422, json={"title": "Not now.", "status": 422})

    page.route("**/v1/enrolments", refuse)
    go(page, url, "enrol")
    for wanted in (False, True):
        page.get_by_label("Keep figures of the face too").set_checked(wanted)
        page.get_by_label("Name", exact=True).fill("Ann")
        page.locator("input[type=file]").set_input_files(clips["short"])
        page.get_by_role("button", name="Enrol 1 video").click()
        page.locator(".file .box").nth(int(wanted)).wait_for()
    assert [(one["name"], one["face"]) for one in asked] == [("Ann", False), ("Ann", True)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible_and_fits(page, url, scheme):
    page.emulate_media(color_scheme=scheme)
    job = page.request.get(f"{url}/v1/jobs").json()["jobs"][0]["id"]
    views = ("verify", "enrol", "gallery", "gallery/Ann", "jobs", f"jobs/{job}", "keys", "settings")
    for view in views:
        go(page, url, view)
        page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
        check_access(page)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{view} is {wide} wide"


@pytest.mark.parametrize(
    ("answers", "value", "wanted"),
    [
        ("walk alone", 0.79, "if the claimed person walks in the video as if somebody else does"),
        ("face alone", 0.79, "6.2 times as probable if this is so as if it is not: “the face is"),
        ("face alone", -0.79, "6.2 times as probable if this is not so as if it is: “the face is"),
        ("walk and face", 0.1, "about as probable whether or not this is so: “the face is"),
    ],
)
def test_a_weight_is_told_of_the_question_it_answers(page, url, answers, value, wanted):
    go(page, url, "verify")
    answer = {
        "decision": "INCONCLUSIVE",
        "claim": "Ann",
        "plain": "Plain.",
        "reason": "Reason.",
        "log10_lr": value,
        "log10_lr_bound": 1.3,
        "answers": answers,
        "question": "the face is genuine",
        "notes": [],
    }
    gait = {"notes": [], "quality": {"warnings": []}}
    script = """async ([answer, gait]) => {
        const { verdictSection } = await import('/verdict.js');
        return verdictSection({ answer, gait, joint: answer }).textContent; }"""
    assert wanted in page.evaluate(script, [answer, gait])


def test_the_keyboard_reaches_everything(page, url):
    go(page, url, "verify")
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.textContent || document.activeElement.type")
        )
    assert {"Skip to the content", "Gallery", "file", "checkbox", "Verify"} <= reached


def test_texts_are_all_in_the_catalogue():
    static = Path(__file__).parents[2] / "src/gaitproof/server/page/static"
    known = set(re.findall(r'^  "([\w.-]+)":', (static / "texts.js").read_text("utf-8"), re.M))
    code = {p: p.read_text("utf-8") for p in static.rglob("*.js") if p.name != "texts.js"}
    used = {key for text in code.values() for key in re.findall(r'\bt\("([\w.-]+)"', text)}
    assert used <= known
    begun = {key for text in code.values() for key in re.findall(r"\bt\(`([\w.-]+)\$", text)}
    strings = {s for text in code.values() for s in re.findall(r'"([\w.-]+\.[\w.-]+)"', text)}
    unused = {
        key for key in known - used - strings if not any(key.startswith(start) for start in begun)
    }
    assert unused == set()


def test_keys_lock_the_page_and_a_session_opens_it(page, new_url):
    url = new_url
    go(page, url, "keys")
    assert page.get_by_text("No key yet").is_visible()
    page.get_by_label("For").fill("me")
    page.get_by_role("button", name="Make it").click()
    secret = page.locator(".secret").inner_text()
    page.context.clear_cookies()
    page.reload()
    page.get_by_label("API key").fill("gp_wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("That key is not in force").wait_for()
    check_access(page)
    page.get_by_label("API key").fill(secret)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("main[data-shown='#/verify']")
    go(page, url, "keys")
    assert page.get_by_text("your own").is_visible()
    assert page.get_by_text("login").first.is_visible()
    assert json.dumps(secret) not in page.content()
