// A verdict in plain words: what was found, what it rests on, what it does not mean.

import { h, table } from "./dom.js";
import { badge } from "./parts.js";
import { counted, factor, forPage, percent, ratio, t } from "./texts.js";

/** Tell the answer of the walk from that of walk and face. */
export function readAnswer(result) {
  const joint = "gait" in result ? result : null;
  return { answer: result, gait: joint ? result.gait : result, joint, scan: joint ? result.scan : null };
}

/** The answer, why, and what it does not mean. */
export function verdictSection({ answer, gait, joint }) {
  const { decision, claim } = answer;
  return h("section", { class: `card verdict ${decision.toLowerCase()}`, "aria-labelledby": "answer" },
    h("p", { class: "hint" }, t("verdict.claim", { claim })),
    h("h2", { id: "answer" }, badge(decision), " ", t(`verdict.${decision}`, { claim })),
    h("p", { class: "lead" }, answer.plain),
    answer.reason && h("div", {}, h("h3", {}, t("verdict.why")), h("p", {}, forPage(answer.reason))),
    weight(answer, joint),
    h("h3", {}, t("verdict.not")),
    h("ul", {}, t(`verdict.not.${decision}`).map((text) => h("li", {}, text))),
    notes([...(answer.notes ?? []), ...(joint ? gait.notes : []), ...gait.quality.warnings]));
}

function weight({ log10_lr: value, log10_lr_bound: bound }, joint) {
  if (value === null) return null;
  // of walk and face, the ratio may answer another question than who walks
  if (joint && joint.answers !== "walk alone") {
    const name = Math.abs(value) <= Math.log10(2) ? "verdict.asked.even" : value > 0 ? "verdict.asked.so" : "verdict.asked.not";
    return h("p", {}, t(name, { times: factor(value), question: joint.question }));
  }
  if (Math.abs(value) <= Math.log10(2)) return h("p", {}, t("verdict.even"));
  const [one, other] = value > 0 ? ["verdict.claimed", "verdict.somebody"] : ["verdict.somebody.first", "verdict.claimed.after"];
  return h("p", {}, t("verdict.weight", { times: factor(value), one: t(one), other: t(other) }), " ",
    Math.abs(value) >= bound - 1e-9 && t("verdict.bound", { times: factor(bound) }));
}

function notes(found) {
  const different = [...new Set(found)];
  return different.length > 0 && h("details", {}, h("summary", {}, t("verdict.notes")), h("ul", {}, different.map((text) => h("li", {}, forPage(text)))));
}

function side(value) {
  if (value === null || value === undefined) return t("detectors.nothing");
  if (Math.abs(value) <= Math.log10(2)) return t("detectors.neither");
  return t(value > 0 ? "detectors.for" : "detectors.against");
}

/** Every detector by itself, and all together. */
export function detectorsSection({ answer, gait, joint, scan }) {
  const rows = gait.signals.map((one) => [
    t(`detectors.${one.signal}`),
    [one.reason && one.log10_lr === null ? forPage(one.reason) : side(one.log10_lr), one.log10_lr !== null && !one.supported && h("p", { class: "hint" }, t("detectors.untested"))],
    ratio(one.log10_lr),
    one.similarity === null ? "–" : one.similarity.toFixed(3),
    t(one.references > 0 ? "detectors.windows" : "detectors.alone", { windows: counted(one.windows, "window"), others: counted(one.references, "other") }),
  ]);
  for (const face of scan?.faces ?? []) {
    rows.push([`${t("detectors.face")} ${face.number}`, [badge(face.decision), face.reason && h("p", { class: "hint" }, forPage(face.reason))], ratio(face.log10_lr),
      face.score === null ? "–" : face.score.toFixed(3), t("detectors.frames", { frames: face.frames.length, number: face.number })]);
  }
  if (joint || gait.joined) {
    rows.push([t("detectors.fusion"), [badge(answer.decision), joint && h("p", { class: "hint" }, joint.rule)], ratio(answer.log10_lr), "–", joint ? joint.weight : ""]);
  }
  return h("section", { class: "card" }, h("h2", {}, t("detectors.title")), h("p", {}, t("detectors.text")),
    table(t("detectors.title"), ["name", "says", "ratio", "similarity", "from"].map((name) => t(`detectors.${name}`)), rows),
    !joint && h("p", { class: "hint" }, t("detectors.noface")));
}

/** What was measured of the walk, beside what is needed. */
export function qualityTable(quality) {
  return table(t("quality.title"), ["what", "found", "needed", "kept"].map((name) => t(`quality.${name}`)),
    quality.checks.map((check) => [check.title, amount(check.value, check.unit), `${check.at_least ? "≥" : "≤"} ${amount(check.limit, check.unit)}`,
      h("span", { class: check.passed ? "good" : "bad" }, t(check.passed ? "quality.yes" : "quality.no"))]));
}

function amount(value, unit) {
  if (value === null) return "–";
  const shown = Number.isInteger(value) ? value : Number(value.toPrecision(3));
  return unit ? `${shown} ${unit}` : String(shown);
}

function rate(value) {
  if (value.value === value.high && value.high > value.low) return t("facts.limit", { value: percent(value.value) });
  return t("facts.rate", { value: percent(value.value), low: percent(value.low), high: percent(value.high) });
}

/** Identifiers and error rates. */
export function factsSection({ gait }, request) {
  const rows = [
    ...[["facts.case", request.case_number], ["facts.exhibit", request.exhibit], ["facts.examiner", request.examiner]].filter(([, value]) => value),
    ["facts.video", gait.source],
    ["facts.sha256", h("code", {}, gait.source_sha256)],
    ["facts.people", gait.people.length],
    ["facts.template", [t("facts.recordings", { recordings: counted(gait.template_recordings, "recording"), claim: gait.claim }), " ", h("code", {}, gait.template_id)]],
    ["facts.model", h("code", {}, gait.model_id)],
    ...(gait.fmr ? [["facts.fmr", rate(gait.fmr)], ["facts.fnmr", rate(gait.fnmr)]] : []),
    ["facts.software", gait.software],
  ];
  return h("details", { class: "card" }, h("summary", {}, t("facts.title")),
    h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)])),
    h("h3", {}, t("quality.title")), qualityTable(gait.quality));
}
