// The video that was examined, with what was found in it, and a time line of what speaks for what.

import { announce, choice, fill, h, table, unique } from "./dom.js";
import { dropZone } from "./parts.js";
import { drawFaces, drawOutlines, drawPeople } from "./drawing.js";
import { makeStrips } from "./strips.js";
import { t } from "./texts.js";

const LARGEST_HASHED = 512e6;
const MOMENTS = 3;
const APART = 1.0;

/** Everything about when and where. */
export function playerSection({ drawn, read, file, signal }) {
  const section = h("section", { class: "card player" }, h("h2", {}, t("player.title")));
  if (drawn.people.length === 0 && !read.scan) {
    section.append(h("p", {}, t("player.none")));
    return section;
  }
  const faces = (read.scan?.faces ?? []).filter((face) => face.frames.length > 0);
  const end = Math.max(0, ...drawn.people.map((one) => one.times.at(-1) ?? 0), ...faces.map((face) => face.last), ...read.gait.quality.windows.map((one) => one.end));
  const stage = h("div");
  const state = { drawn, faces, read, end, time: 0, video: null, show: { skeleton: true, mask: true, faces: true } };
  const strips = makeStrips(state, (time) => seek(state, time));
  state.redraw = () => {
    strips.draw(state.time);
    state.paint?.();
  };
  if (file) load(state, stage, file, signal);
  else offer(state, stage, signal);
  section.append(...[stage, strips.element, moments(state), joints(drawn.importance)].filter(Boolean));
  return section;
}

function seek(state, time) {
  state.time = Math.min(Math.max(time, 0), state.end);
  if (state.video) state.video.currentTime = state.time;
  state.redraw();
}

/** Ask for the file, which the service does not keep. */
function offer(state, stage, signal) {
  const messages = h("div");
  const chosen = async ([file]) => {
    const wrong = await differs(file, state.read.gait.source_sha256);
    if (wrong) fill(messages, h("div", { class: "box wrong", role: "alert" }, h("p", {}, t("player.other"))));
    else load(state, stage, file, signal);
  };
  fill(stage, h("p", {}, t("player.again")), messages,
    dropZone({ multiple: false, label: t("player.choose"), hint: state.read.gait.source, chosen }));
}

async function differs(file, sha256) {
  if (!window.crypto?.subtle || file.size > LARGEST_HASHED) return false;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== sha256;
}

function load(state, stage, file, signal) {
  const address = URL.createObjectURL(file);
  signal.addEventListener("abort", () => URL.revokeObjectURL(address));
  const video = h("video", { src: address, muted: true, playsinline: true, preload: "auto", "aria-label": t("player.video") });
  video.muted = true;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const play = h("button", { type: "button", class: "plain" }, t("player.play"));
  play.addEventListener("click", () => (video.paused ? video.play() : video.pause()));
  for (const name of ["play", "pause"]) video.addEventListener(name, () => (play.textContent = t(video.paused ? "player.play" : "player.pause")));
  video.addEventListener("error", () => fill(stage, h("p", { class: "box note" }, t("player.unplayable"))));
  state.video = video;
  state.paint = () => paint(state, canvas);
  const tick = () => {
    state.time = video.currentTime;
    state.redraw();
    if (!video.paused && !video.ended && !signal.aborted) requestAnimationFrame(tick);
  };
  for (const name of ["play", "seeked", "loadeddata"]) video.addEventListener(name, tick);
  addEventListener("resize", state.redraw, { signal });
  fill(stage, h("div", { class: "stage" }, video, canvas), h("div", { class: "controls" }, play, toggles(state)));
}

function toggles(state) {
  const { people, outlines } = state.drawn;
  const there = { skeleton: people.length > 0, mask: outlines.length > 0, faces: state.faces.length > 0 };
  const names = Object.keys(there).filter((name) => there[name]);
  return h("fieldset", { class: "toggles" }, h("legend", {}, t("player.show")), names.map((name) => {
    const box = h("input", { type: "checkbox", checked: true, id: unique(name) });
    box.addEventListener("change", () => {
      state.show[name] = box.checked;
      state.redraw();
    });
    return choice(t(`player.${name}`), box);
  }));
}

function paint(state, canvas) {
  const { video, drawn } = state;
  const width = video.clientWidth;
  const height = video.clientHeight;
  if (width === 0 || !video.videoWidth) return;
  const density = window.devicePixelRatio || 1;
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext("2d");
  // the image fills one side of its place and is centred along the other
  const fit = Math.min(width / video.videoWidth, height / video.videoHeight);
  const scale = (fit * video.videoWidth) / (drawn.size?.[0] ?? video.videoWidth);
  context.scale(density, density);
  context.translate((width - fit * video.videoWidth) / 2, (height - fit * video.videoHeight) / 2);
  context.scale(scale, scale);
  const line = Math.max(1.5, 2 / scale);
  if (state.show.mask) drawOutlines(context, drawn, state.time, line);
  if (state.show.skeleton) drawPeople(context, drawn, state.time, line);
  if (state.show.faces) drawFaces(context, state.faces, state.time, line);
}

/** Buttons that lead to the moments that speak most. */
function moments(state) {
  const found = [...strongest(state.drawn.importance, 1), ...strongest(state.drawn.importance, -1)];
  const made = found.map(([time, sign]) => button(state, time, t(sign > 0 ? "player.for" : "player.against", { time: time.toFixed(1) })));
  for (const face of state.faces) {
    const worst = face.frames.reduce((low, frame) => (frame.score < low.score ? frame : low));
    if (worst.score < face.threshold) made.push(button(state, worst.time, t("player.fake", { time: worst.time.toFixed(1), number: face.number })));
  }
  return made.length > 0 && h("div", {}, h("h3", {}, t("player.jump")), h("ul", { class: "chips" }, made.map((one) => h("li", {}, one))));
}

function button(state, time, text) {
  return h("button", { type: "button", class: "plain small", onclick: () => {
    state.video?.pause();
    seek(state, time);
    announce(text);
  } }, text);
}

function strongest(importance, sign) {
  if (!importance) return [];
  const order = importance.over_time.map((value, place) => [sign * value, importance.times[place]]).filter(([value]) => value > 0).sort((a, b) => b[0] - a[0]);
  const kept = [];
  for (const [, time] of order) {
    if (kept.length < MOMENTS && kept.every(([other]) => Math.abs(other - time) >= APART)) kept.push([time, sign]);
  }
  return kept.sort((a, b) => a[0] - b[0]);
}

function joints(importance) {
  if (!importance) return null;
  const rows = Object.entries(importance.joints).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-9);
  return h("details", {}, h("summary", {}, t("player.joints")), h("p", { class: "hint" }, t("player.joints.text")),
    table(t("player.joints"), [t("player.joint"), t("player.share")], rows.map(([name, value]) => [name.replace("_", " "),
      h("span", { class: "bar-cell" }, h("meter", { min: "0", max: "1", value: String(Math.abs(value) / most), class: value < 0 ? "against" : "for", "aria-hidden": "true" }), ` ${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(4)}`)])));
}
