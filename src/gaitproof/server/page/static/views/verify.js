// Asking whether a video shows whom it claims to show.

import { askAbout, call, follow, upload } from "../api.js";
import { choice, field, fill, h } from "../dom.js";
import { dropZone, empty, problemBox, progressBar, problemOf, videoField } from "../parts.js";
import { t } from "../texts.js";

/** Files of this visit, by the job that examined them: the service deletes them. */
export const files = new Map();

export async function showVerify(content, rest, app, signal) {
  const [people, footage] = await Promise.all([call("GET", "/gallery"), call("GET", "/references")]);
  if (people.length === 0) {
    fill(content, h("h1", {}, t("verify.title")), h("p", { class: "lead" }, t("verify.lead")),
      empty(t("verify.nobody"), t("verify.nobody.text"), app.allows("enrol") && h("a", { class: "button", href: "#/enrol" }, t("enrol.title"))));
    return;
  }
  const form = makeForm(people, footage, rest[0] ?? "", app, signal);
  fill(content, h("h1", {}, t("verify.title")), h("p", { class: "lead" }, t("verify.lead")), form);
}

function makeForm(people, footage, claimed, app, signal) {
  const claim = h("select", { name: "claim", required: true }, h("option", { value: "" }, t("verify.claim.choose")),
    people.map(({ name }) => h("option", { value: name }, name)));
  claim.value = people.some(({ name }) => name === claimed) ? claimed : people.length === 1 ? people[0].name : "";
  const face = h("input", { type: "checkbox", checked: true });
  const text = (name) => h("input", { type: "text", name, maxlength: "200", autocomplete: "off" });
  const stated = { case_number: text("case"), exhibit: text("exhibit"), examiner: text("examiner"), site: text("site") };
  const asked = { video: null, others: [], name: text("footage") };
  const messages = h("div");
  const start = h("button", { type: "submit", class: "large" }, t("verify.start"));
  const video = videoField({
    label: t("verify.drop"), hint: t("verify.drop.hint"), signal,
    changed: (file) => {
      asked.video = file;
    },
  });
  const form = h("form", { class: "stack", novalidate: true },
    h("section", { class: "card" }, field(t("verify.claim"), claim, t("verify.claim.hint"))),
    h("section", { class: "card", role: "group", "aria-label": t("verify.video") }, h("h2", {}, t("verify.video")), video,
      choice(t("verify.face"), face, t("verify.face.hint"))),
    referenceFields(asked, footage, app),
    h("details", { class: "card" }, h("summary", {}, t("verify.more")),
      h("div", { class: "columns" },
        field(t("verify.case.number"), stated.case_number), field(t("verify.exhibit"), stated.exhibit),
        field(t("verify.examiner"), stated.examiner), field(t("verify.site"), stated.site, t("verify.site.hint"))),
      h("p", { class: "hint" }, t("verify.case.hint"))),
    messages, h("p", { class: "actions" }, start));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const missing = [[!claim.value, "verify.missing.claim", claim], [!asked.video, "verify.missing.video", form.querySelector("input[type=file]")],
      [asked.others.length > 0 && !asked.name.value.trim(), "verify.missing.name", asked.name]].find(([lacks]) => lacks);
    if (missing) {
      fill(messages, h("div", { class: "box wrong", role: "alert" }, h("p", {}, t(missing[1]))));
      missing[2]?.focus();
      return;
    }
    start.disabled = true;
    try {
      const filled = Object.entries(stated).map(([name, input]) => [name, input.value.trim()]).filter(([, value]) => value);
      const job = await ask({ claim: claim.value, face: face.checked, ...Object.fromEntries(filled) }, asked, messages, signal);
      if (job !== null) app.go(`#/jobs/${job.id}`);
    } catch (error) {
      if (!signal.aborted) fill(messages, problemBox(error));
    } finally {
      start.disabled = false;
    }
  });
  return form;
}

function referenceFields(asked, footage, app) {
  const people = footage.reduce((sum, one) => sum + one.people, 0);
  const found = people === 0 ? t("verify.references.none") : t("verify.references.some", { people });
  if (!app.allows("enrol")) return null;
  const list = h("ul", { class: "plain-list" });
  const zone = dropZone({
    multiple: true, label: t("verify.references.drop"), hint: t("verify.references.drop.hint"),
    chosen: (added) => {
      asked.others.push(...added);
      fill(list, asked.others.map((file) => h("li", {}, file.name)));
    },
  });
  return h("details", { class: "card" }, h("summary", {}, t("verify.references")),
    h("p", {}, t("verify.references.why", { found })), zone, list, field(t("verify.references.name"), asked.name));
}

/** Send everything and ask; the job, or null where the footage of others failed. */
async function ask(request, asked, messages, signal) {
  const bar = progressBar(t("progress.sending"));
  fill(messages, bar.element);
  if (asked.others.length > 0) {
    const videos = [];
    for (const [place, file] of asked.others.entries()) {
      const sent = await upload(file, (share) => bar.set((place + share) / asked.others.length, t("progress.sending")), signal);
      videos.push(sent.id);
    }
    const body = { name: asked.name.value.trim(), videos, ...(request.site ? { site: request.site } : {}) };
    const job = await call("POST", "/references", body);
    const over = await follow(job.id, (now) => bar.set(now.progress, t("progress.references")), signal);
    if (over.problem) {
      fill(messages, problemOf(over.problem));
      return null;
    }
    asked.others = [];
  }
  const sent = await upload(asked.video, (share) => bar.set(share, t("progress.sending")), signal);
  const job = await call("POST", "/verifications", { ...request, video: sent.id });
  files.set(job.id, asked.video);
  return job;
}

/** Ask again about the same video, with the person chosen. */
export async function askAgain(job, person) {
  const file = files.get(job.id);
  const ask = (video) => call("POST", "/verifications", { ...job.request, video, person });
  const again = await askAbout(job.request.video, ask, file && (() => upload(file)));
  if (file) files.set(again.id, file);
  return again;
}

