// Enrolling a person: every video by itself, so that one that cannot be used keeps no other out.

import { askAbout, call, follow, upload } from "../api.js";
import { announce, choice, field, fill, h } from "../dom.js";
import { choosePerson, dropZone, peopleToChoose, problemBox, problemOf, progressBar } from "../parts.js";
import { counted, size, t } from "../texts.js";
import { qualityTable } from "../verdict.js";

export async function showEnrol(content, rest, app, signal) {
  const people = await call("GET", "/gallery");
  const known = h("datalist", { id: "known" }, people.map(({ name }) => h("option", { value: name })));
  const name = h("input", { type: "text", required: true, maxlength: "200", list: "known", autocomplete: "off", value: rest[0] ?? "" });
  const site = h("input", { type: "text", maxlength: "200", autocomplete: "off" });
  const face = h("input", { type: "checkbox" });
  const list = h("ul", { class: "cards" });
  const messages = h("div");
  const waiting = [];
  const start = h("button", { type: "submit", form: "enrol", class: "large", disabled: true });
  const count = () => {
    start.disabled = start.hidden = waiting.length === 0;
    start.textContent = t("enrol.start", { count: counted(waiting.length, "video") });
  };
  count();
  const add = (files) => {
    for (const file of files) waiting.push(makeCard(file, list, waiting, count));
    count();
    if (!name.value) name.focus();
  };
  const form = h("form", { id: "enrol", novalidate: true },
    h("section", { class: "card" }, h("div", { class: "columns" }, field(t("enrol.name"), name, t("enrol.name.hint")), field(t("enrol.site"), site)), known,
      choice(t("enrol.face"), face, t("enrol.face.hint"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!name.value.trim()) {
      fill(messages, h("div", { class: "box wrong", role: "alert" }, h("p", {}, t("enrol.missing"))));
      name.focus();
      return;
    }
    fill(messages);
    start.disabled = true;
    const cards = waiting.splice(0);
    const ends = { good: 0, open: 0, left: cards.length };
    const request = { name: name.value.trim(), face: face.checked, ...(site.value.trim() ? { site: site.value.trim() } : {}) };
    const told = () => !signal.aborted && ends.left === 0 && sum(messages, request.name, ends);
    for (const card of cards) await card.enrol(request, signal, ends, told);
    if (signal.aborted) return;
    count();
  });
  fill(content, h("h1", {}, t("enrol.title")), h("p", { class: "lead" }, t("enrol.lead")), h("div", { class: "stack" }, form,
    // not within the form: whom a video shows is a question, and a form, of its own
    h("section", { class: "card" }, dropZone({ multiple: true, label: t("enrol.drop"), hint: t("enrol.drop.hint"), chosen: add }), list),
    messages, h("p", { class: "actions" }, start)));
}

function sum(messages, name, { good, open }) {
  const texts = [good > 0 && t("enrol.done", { name, count: counted(good, "video") }), open > 0 && t("choose.waits", { count: counted(open, "video") })].filter(Boolean);
  const text = texts.join(" ") || t("enrol.failed", { name });
  fill(messages, h("div", { class: `box ${good > 0 ? "right" : open > 0 ? "note" : "wrong"}` }, h("p", {}, text),
    good > 0 && h("p", { class: "actions" }, h("a", { class: "button", href: `#/verify/${encodeURIComponent(name)}` }, t("enrol.next", { name })))));
  announce(text);
}

/** A video on its way: waiting, sent, examined, and what became of it. */
function makeCard(file, list, waiting, count) {
  const state = h("div", {}, h("p", { class: "hint" }, t("enrol.waiting")));
  const remove = h("button", { type: "button", class: "plain small", "aria-label": t("enrol.remove", { name: file.name }) }, "✕");
  const card = {
    async enrol(request, signal, ends, told) {
      remove.remove();
      try {
        await enrolOne(file, request, state, signal, ends, told);
      } catch (error) {
        if (!signal.aborted) fill(state, problemBox(error));
      }
      ends.left -= 1;
      told();
    },
  };
  const element = h("li", { class: "file" }, h("div", { class: "file-head" }, h("strong", {}, file.name), h("span", { class: "hint" }, size(file.size)), remove), state);
  remove.addEventListener("click", () => {
    waiting.splice(waiting.indexOf(card), 1);
    element.remove();
    count();
  });
  list.append(element);
  return card;
}

async function enrolOne(file, request, state, signal, ends, told) {
  const bar = progressBar(t("progress.sending"));
  const send = () => {
    fill(state, bar.element);
    return upload(file, (share) => bar.set(share, t("progress.sending")), signal);
  };
  const wait = (job) => follow(job.id, (now) => bar.set(now.progress, t(now.state === "queued" ? "progress.queued" : "progress.running")), signal);
  const ask = (video, more) => call("POST", "/enrolments", { ...request, ...more, videos: [video] });
  const { id } = await send();
  const job = await wait(await ask(id));
  const people = await peopleToChoose(job);
  if (people.length === 0) {
    ends.good += await showEnd(job, state);
    return;
  }
  ends.open += 1;
  const chosen = async (person) => {
    const again = await askAbout(id, (video) => ask(video, { person }), send);
    fill(state, bar.element);
    try {
      ends.good += await showEnd(await wait(again), state);
    } catch (error) {
      if (!signal.aborted) fill(state, problemBox(error));
    }
    ends.open -= 1;
    told();
  };
  fill(state, choosePerson(people, { text: t("choose.enrol"), start: t("choose.enrol.start"), chosen }));
}

/** Show what became of a video; 1 if it was enrolled. */
async function showEnd(job, state) {
  if (job.state !== "done") {
    fill(state, job.problem ? problemOf(job.problem) : h("p", {}, t("job.cancelled")));
    return 0;
  }
  const { videos: [video] } = await call("GET", `/jobs/${job.id}/result`);
  fill(state, video.added
    ? [h("p", { class: "good" }, h("span", { "aria-hidden": "true" }, "✓ "), t("enrol.good", { windows: counted(video.windows, "window") })), remarks(video),
      h("details", {}, h("summary", {}, t("quality.title")), qualityTable(video.quality))]
    : h("p", {}, t("enrol.known")));
  return video.added ? 1 : 0;
}

export function remarks(video) {
  const found = [...video.quality.warnings, ...video.notes];
  return found.length > 0 ? h("ul", {}, found.map((text) => h("li", {}, text))) : null;
}
