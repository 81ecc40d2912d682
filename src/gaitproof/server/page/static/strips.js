// The time line: the walk's importance, which windows could be used, every face's evidence.

import { h, unique } from "./dom.js";
import { t } from "./texts.js";

const HEIGHT = 26;
const GAP = 6;

/** Strips over time with a slider; `seek(time)` is told where to go. */
export function makeStrips(state, seek) {
  const { drawn, faces, read, end } = state;
  const rows = [];
  if (drawn.importance) rows.push([t("player.importance"), (...given) => importance(drawn.importance, ...given)]);
  if (read.gait.quality.windows.length > 0) rows.push([t("player.quality"), (...given) => windows(read.gait.quality.windows, ...given)]);
  for (const face of faces) rows.push([t("player.face", { number: face.number }), (...given) => scores(face, ...given)]);
  const slider = h("input", { type: "range", min: "0", max: String(end), step: "0.02", value: "0", id: unique("time"), class: "time" });
  const canvas = h("canvas", { class: "strips", "aria-hidden": "true" });
  const where = h("output", { for: slider.id, class: "hint" });
  slider.addEventListener("input", () => seek(Number(slider.value)));
  canvas.addEventListener("pointerdown", (event) => {
    const move = (moved) => {
      const { left, width } = canvas.getBoundingClientRect();
      seek(((moved.clientX - left) / width) * end);
    };
    move(event);
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", move), { once: true });
  });
  const names = h("div", { class: "strip-names", "aria-hidden": "true" }, rows.map(([name]) => h("span", {}, name)));
  const element = h("div", { class: "timeline" },
    h("div", { class: "strip-row" }, names, h("div", { class: "strip-area" }, canvas, slider)),
    h("p", { class: "time-label" }, h("label", { for: slider.id }, t("player.time")), " ", where),
    h("p", { class: "hint" }, t("player.legend")));
  const draw = (time) => {
    const text = t("player.at", { now: time.toFixed(2), end: end.toFixed(1) });
    slider.value = String(time);
    slider.setAttribute("aria-valuetext", text);
    where.textContent = text;
    paint(canvas, rows, time, end);
  };
  new ResizeObserver(() => draw(state.time)).observe(canvas.parentElement);
  return { element, draw };
}

function paint(canvas, rows, time, end) {
  const style = getComputedStyle(canvas);
  const density = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth;
  const height = rows.length * (HEIGHT + GAP);
  if (width === 0) return;
  canvas.width = width * density;
  canvas.height = height * density;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(density, density);
  const colour = (name) => style.getPropertyValue(name).trim();
  rows.forEach(([, row], place) => {
    context.save();
    context.translate(0, place * (HEIGHT + GAP));
    context.fillStyle = colour("--strip");
    context.fillRect(0, 0, width, HEIGHT);
    row(context, (moment) => (moment / end) * width, colour);
    context.restore();
  });
  context.fillStyle = colour("--ink");
  context.fillRect(Math.min((time / end) * width, width - 2), 0, 2, height - GAP);
}

function importance({ times, over_time: values }, context, x, colour) {
  const most = Math.max(...values.map(Math.abs), 1e-12);
  times.forEach((moment, place) => {
    context.globalAlpha = Math.abs(values[place]) / most;
    context.fillStyle = colour(values[place] >= 0 ? "--for" : "--against");
    context.fillRect(x(moment), 0, x(1 / 30) + 0.6, HEIGHT);
  });
  context.globalAlpha = 1;
}

function windows(found, context, x, colour) {
  const lanes = 4;
  found.forEach((one, place) => {
    const lane = place % lanes;
    const high = HEIGHT / lanes;
    context.fillStyle = colour(one.usable ? "--good" : "--bad");
    context.fillRect(x(one.start), HEIGHT - (lane + 1) * high + 1, x(one.end - one.start) - 1, high - 2);
  });
}

function scores(face, context, x, colour) {
  context.fillStyle = colour("--soft");
  context.fillRect(0, HEIGHT * (1 - face.threshold), x(1e9) || 0, 1);
  for (const frame of face.frames) {
    context.fillStyle = colour(frame.score >= face.threshold ? "--for" : "--against");
    const high = Math.max(2, HEIGHT * frame.score);
    context.fillRect(x(frame.time) - 1.5, HEIGHT - high, 3, high);
  }
}
