// Jobs: the list of them, one while it runs, and what it answered.

import { call, follow, isOver } from "../api.js";
import { announce, fill, h, table } from "../dom.js";
import { badge, choosePerson, empty, peopleToChoose, problemBox, problemOf, progressBar } from "../parts.js";
import { playerSection } from "../player.js";
import { counted, t, when } from "../texts.js";
import { detectorsSection, factsSection, qualityTable, readAnswer, verdictSection } from "../verdict.js";
import { remarks } from "./enrol.js";
import { askAgain, files } from "./verify.js";

const PAGE = 20;

export async function showJobs(content, rest, app) {
  const list = h("tbody");
  const more = h("button", { type: "button", class: "plain" }, t("jobs.more"));
  let shown = 0;
  const load = async () => {
    const { jobs } = await call("GET", `/jobs?limit=${PAGE}&offset=${shown}`);
    shown += jobs.length;
    more.hidden = jobs.length < PAGE;
    list.append(...jobs.map(row));
    return jobs.length;
  };
  more.addEventListener("click", () => load().catch((error) => content.append(problemBox(error))));
  const none = (await load()) === 0;
  fill(content, h("h1", {}, t("jobs.title")),
    none ? empty(t("jobs.none"), t("jobs.none.text"), h("a", { class: "button", href: "#/verify" }, t("verify.title")))
      : h("section", { class: "card" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("jobs.list") },
        h("table", {}, h("caption", { class: "unseen" }, t("jobs.list")),
          h("thead", {}, h("tr", {}, ["about", "what", "answer", "when"].map((name) => h("th", { scope: "col" }, t(`jobs.${name}`))))), list)),
      h("p", { class: "actions" }, more)));
}

function row(job) {
  const { claim, name, exhibit } = job.request;
  const about = [claim ?? name ?? t(`job.kind.${job.kind}`), exhibit].filter(Boolean).join(", ");
  const answer = job.brief?.decision ? badge(job.brief.decision) : t(`job.state.${job.state}`);
  return h("tr", {}, h("th", { scope: "row" }, h("a", { href: `#/jobs/${job.id}` }, about)), h("td", {}, t(`job.kind.${job.kind}`)), h("td", {}, answer), h("td", {}, when(job.created)));
}

export async function showJob(content, [id], app, signal) {
  let job = await call("GET", `/jobs/${id}`);
  const title = h("h1", {}, t(`job.kind.${job.kind}`));
  const body = h("div", { class: "stack" });
  fill(content, h("p", {}, h("a", { href: "#/jobs" }, `← ${t("jobs.title")}`)), title, h("p", { class: "hint" }, t("job.made", { time: when(job.created) })), body);
  if (isOver(job)) {
    await showOutcome(body, job, app, signal);
    return;
  }
  const bar = progressBar(t("progress.queued"));
  const cancel = h("button", { type: "button", class: "plain", onclick: () => call("POST", `/jobs/${id}/cancel`).catch((error) => body.append(problemBox(error))) }, t("progress.cancel"));
  fill(body, h("section", { class: "card" }, bar.element, h("p", { class: "actions" }, cancel)));
  const told = (now) => {
    if (now.state === "queued") bar.set(null, t("progress.queued"));
    else bar.set(now.progress, t(job.kind === "verification" && now.progress >= 0.9 ? "progress.report" : "progress.running"));
  };
  // not waited for: the view stands, and the answer takes its place
  follow(id, told, signal).then(async (over) => {
    job = over;
    await showOutcome(body, job, app, signal);
    announce(job.brief?.headline ?? t(`job.state.${job.state}`));
  }).catch((error) => !signal.aborted && fill(body, problemBox(error)));
}

async function showOutcome(body, job, app, signal) {
  if (job.state === "failed") {
    const people = job.kind === "enrolment" ? await peopleToChoose(job) : [];
    fill(body, problemOf(job.problem), people.length > 0 && choose(job, people, app));
  }
  else if (job.state === "cancelled") fill(body, h("div", { class: "box note" }, h("p", {}, t("job.cancelled"))));
  else {
    const result = await call("GET", `/jobs/${job.id}/result`);
    await (RESULTS[job.kind] ?? showOther)(body, job, result, app, signal);
  }
  body.append(h("p", { class: "actions" }, job.kind === "verification" && h("a", { class: "button", href: "#/verify" }, t("job.again")),
    h("a", { class: "button plain", href: `/v1/jobs/${job.id}/result`, download: `gaitproof-${job.id}-answer.json` }, t("job.answer")), remove(job, app)));
}

function remove(job, app) {
  return h("button", { type: "button", class: "plain", onclick: async () => {
    if (!confirm(t("job.delete.sure"))) return;
    await call("DELETE", `/jobs/${job.id}`);
    app.go("#/jobs");
  } }, t("job.delete"));
}

async function showVerification(body, job, result, app, signal) {
  const read = readAnswer(result);
  const named = await call("GET", `/jobs/${job.id}/files`);
  const drawn = named.includes("player.json") ? await call("GET", `/jobs/${job.id}/files/player.json`) : null;
  fill(body,
    job.brief.choice_needed ? choose(job, read.gait.people, app) : null,
    verdictSection(read), reportSection(job), detectorsSection(read),
    drawn && playerSection({ drawn, read, file: files.get(job.id) ?? null, signal }),
    factsSection(read, job.request));
}

/** Who is meant; a claim or an enrolment is then asked about that person. */
function choose(job, people, app) {
  const enrols = job.kind === "enrolment";
  const chosen = async (person) => {
    const again = enrols ? await call("POST", "/enrolments", { ...job.request, person }) : await askAgain(job, person);
    app.go(`#/jobs/${again.id}`);
  };
  return choosePerson(people, { text: t(enrols ? "choose.enrol" : "choose.text"), start: t(enrols ? "choose.enrol.start" : "choose.start"), chosen });
}

function reportSection(job) {
  if (job.request.report === false) return null;
  return h("section", { class: "card" }, h("h2", {}, t("report.title")), h("p", {}, t("report.text")),
    h("p", { class: "actions" }, ["html", "pdf", "json"].map((form) =>
      h("a", { class: "button plain", href: `/v1/jobs/${job.id}/report.${form}`, download: `gaitproof-${job.id}.${form}`, "aria-label": t("report.download", { form: t(`report.${form}`) }) }, "⬇ ", t(`report.${form}`)))));
}

function showEnrolment(body, job, result) {
  fill(body, h("section", { class: "card" }, h("h2", {}, t("enrol.done", { name: result.name, count: counted(result.videos.filter((video) => video.added).length, "video") })),
    result.videos.map((video) => [h("h3", {}, video.path), h("p", {}, video.added ? t("enrol.good", { windows: counted(video.windows, "window") }) : t("enrol.known")), remarks(video), qualityTable(video.quality)]),
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/verify/${encodeURIComponent(result.name)}` }, t("enrol.next", { name: result.name })))));
}

function showOther(body, job, result) {
  const facts = Object.entries(result).filter(([, value]) => value !== null && typeof value !== "object" && value !== "");
  const lists = Object.entries(result).filter(([, value]) => Array.isArray(value) && value.length > 0 && typeof value[0] === "object");
  fill(body, h("section", { class: "card" },
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, typeof value === "number" ? Number(value.toPrecision(4)) : String(value))])),
    lists.map(([name, rows]) => {
      const columns = Object.keys(rows[0]).filter((key) => typeof rows[0][key] !== "object" || rows[0][key] === null);
      return table(name.replaceAll("_", " "), columns.map((key) => key.replaceAll("_", " ")), rows.map((one) => columns.map((key) => (typeof one[key] === "number" ? Number(one[key].toPrecision(4)) : String(one[key] ?? "–")))));
    })));
}

const RESULTS = { verification: showVerification, enrolment: showEnrolment };
