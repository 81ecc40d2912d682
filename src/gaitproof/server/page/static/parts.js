// Pieces that several views share.

import { Refusal, Unreachable, call, isGone } from "./api.js";
import { announce, fill, h, unique } from "./dom.js";
import { forPage, size, t } from "./texts.js";

/** What went wrong and what to do next. */
export function problemBox(error) {
  if (error instanceof Unreachable) return box(t("problem.unreachable"), t("problem.unreachable.hint"));
  if (!(error instanceof Refusal)) return box(t("problem.page"), t("problem.page.hint", { text: String(error) }));
  return problemOf(error.problem);
}

/** The same for a problem that a job holds. */
export function problemOf(problem) {
  const known = { hint: problem.hint, expected: problem.expected, actual: problem.actual };
  const facts = ["actual", "expected"].filter((name) => known[name]).map((name) =>
    h("p", {}, h("strong", {}, t(`problem.${name}`)), " ", forPage(known[name])));
  return h("div", { class: "box wrong", role: "alert" },
    h("p", { class: "box-title" }, h("span", { "aria-hidden": "true" }, "✕ "), forPage(problem.detail || problem.title)),
    facts, known.hint && h("p", {}, h("strong", {}, t("problem.hint")), " ", forPage(known.hint)));
}

function box(title, text) {
  return h("div", { class: "box wrong", role: "alert" }, h("p", { class: "box-title" }, h("span", { "aria-hidden": "true" }, "✕ "), title), h("p", {}, text));
}

/** Whom a job saw that failed because it must be said who is meant; nobody where that is not why. */
export async function peopleToChoose(job) {
  return job.problem?.type === "urn:gaitproof:problem:choice-error" ? call("GET", `/jobs/${job.id}/people`) : [];
}

/** Numbered images of people, one of whom is meant; `chosen(number)` acts on it, and may refuse. */
export function choosePerson(people, { text, start, chosen }) {
  const messages = h("div");
  const button = h("button", { type: "submit" }, start);
  const submit = async (event) => {
    event.preventDefault();
    const number = new FormData(event.target).get("person");
    if (number === null) return;
    button.disabled = true;
    try {
      await chosen(Number(number));
    } catch (error) {
      button.disabled = false;
      fill(messages, isGone(error) ? h("div", { class: "box wrong", role: "alert" }, h("p", {}, t("choose.gone"))) : problemBox(error));
    }
  };
  return h("form", { class: "card", onsubmit: submit }, h("fieldset", {}, h("legend", {}, t("choose.title")), h("p", {}, text),
    h("div", { class: "people" }, people.map(personChoice))), messages, h("p", { class: "actions" }, button));
}

function personChoice(one) {
  const words = t("choose.person", { number: one.number, start: one.start.toFixed(1), end: one.end.toFixed(1) });
  const input = h("input", { type: "radio", name: "person", value: String(one.number), required: true, id: unique("person") });
  return h("label", { class: "person", for: input.id }, one.picture && h("img", { src: one.picture, alt: "" }), h("span", {}, input, " ", words),
    !one.usable && h("span", { class: "hint" }, t("choose.unusable")));
}

/** A remark. */
export function note(...content) {
  return h("div", { class: "box note" }, content);
}

/** What to do where there is nothing yet. */
export function empty(title, text, ...actions) {
  return h("div", { class: "box empty" }, h("h2", {}, title), h("p", {}, text), actions.some(Boolean) && h("p", { class: "actions" }, actions));
}

/** A bar of progress with words; `set(share, text)`. */
export function progressBar(label) {
  const words = h("p", { class: "hint" }, label);
  const bar = h("progress", { max: "1", "aria-label": label });
  const element = h("div", { class: "progress" }, bar, words);
  let spoken = "";
  return {
    element,
    set(share, text) {
      if (share === null) bar.removeAttribute("value");
      else bar.value = share;
      words.textContent = share === null ? text : `${text} ${Math.round(100 * share)} %`;
      if (text !== spoken) announce(text);
      spoken = text;
    },
  };
}

const LETTERS = { AUTHENTIC: "✓", DEEPFAKE: "✕", INCONCLUSIVE: "?", REAL: "✓", FAKE: "✕", "NO FACE": "–" };

/** An answer as a word with a sign and a colour. */
export function badge(decision) {
  const kind = { REAL: "authentic", FAKE: "deepfake" }[decision] ?? decision.toLowerCase().replace(" ", "-");
  return h("span", { class: `badge ${kind}` }, h("span", { "aria-hidden": "true" }, `${LETTERS[decision] ?? ""} `), decision);
}

/** Where videos are dropped or chosen; `chosen(files)` hears of them. */
export function dropZone({ multiple, label, hint, chosen }) {
  const input = h("input", { type: "file", accept: "video/*", multiple, id: unique("file"), class: "unseen" });
  const zone = h("label", { class: "drop", for: input.id },
    h("span", { class: "drop-sign", "aria-hidden": "true" }, "⬆"), h("strong", {}, label), h("span", { class: "hint" }, hint));
  const take = (files) => files.length > 0 && chosen(multiple ? [...files] : [files[0]]);
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  for (const name of ["dragover", "dragenter"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files);
  });
  return h("div", { class: "drop-field" }, input, zone);
}

/** One chosen video, with a look at it. */
export function videoField({ label, hint, changed, signal }) {
  const shown = h("div");
  let address = "";
  const show = (file) => {
    URL.revokeObjectURL(address);
    if (file === null) {
      fill(shown, dropZone({ multiple: false, label, hint, chosen: ([one]) => show(one) }), cameraButton(show, signal));
    } else {
      address = URL.createObjectURL(file);
      fill(shown, h("div", { class: "chosen" },
        h("video", { src: address, muted: true, playsinline: true, controls: true, preload: "metadata", "aria-label": file.name }),
        h("div", {}, h("p", {}, h("strong", {}, file.name), h("br"), size(file.size)),
          h("button", { type: "button", class: "plain", onclick: () => show(null) }, t("video.other")))));
    }
    changed(file);
  };
  show(null);
  return shown;
}

const FILM_SECONDS = 15;

/** Film with the browser's camera; offered where there is one. */
function cameraButton(filmed, signal) {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return null;
  const place = h("div");
  const start = h("button", { type: "button", class: "plain", onclick: () => film(place, start, filmed, signal) }, t("camera.start"));
  fill(place, start);
  return place;
}

async function film(place, start, filmed, signal) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, frameRate: 30 } });
  } catch (error) {
    fill(place, start, note(h("p", {}, t("camera.none", { reason: error.message }))));
    return;
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  const seen = h("video", { muted: true, playsinline: true, autoplay: true, "aria-label": t("camera.seen") });
  seen.muted = true;
  seen.srcObject = stream;
  const words = h("p", { class: "hint" }, t("camera.how"));
  const end = () => recorder.state !== "inactive" && recorder.stop();
  const stop = h("button", { type: "button", onclick: end }, t("camera.stop"));
  fill(place, h("div", { class: "chosen" }, seen, h("div", {}, words, stop)));
  stop.focus();
  const begun = Date.now();
  const clock = setInterval(() => {
    const seconds = Math.round((Date.now() - begun) / 1000);
    words.textContent = `${t("camera.how")} ${t("camera.left", { seconds: FILM_SECONDS - seconds })}`;
    if (seconds >= FILM_SECONDS) end();
  }, 250);
  signal?.addEventListener("abort", end);
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => {
    clearInterval(clock);
    stream.getTracks().forEach((track) => track.stop());
    const type = recorder.mimeType.split(";")[0] || "video/webm";
    if (!signal?.aborted) filmed(new File(parts, `camera.${type.split("/")[1]}`, { type }));
  };
  recorder.start();
}
