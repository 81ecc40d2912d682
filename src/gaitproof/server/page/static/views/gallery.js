// Who is enrolled, and the footage that comparisons are relative to.

import { call } from "../api.js";
import { announce, fill, h, table } from "../dom.js";
import { empty, problemBox } from "../parts.js";
import { counted, t } from "../texts.js";

export async function showGallery(content, [name], app) {
  if (name !== undefined) {
    await showPerson(content, name, app);
    return;
  }
  const [people, footage] = await Promise.all([call("GET", "/gallery"), call("GET", "/references")]);
  const enrol = app.allows("enrol") && h("a", { class: "button", href: "#/enrol" }, t("enrol.title"));
  const messages = h("div");
  const rows = people.map((one) => [h("a", { href: `#/gallery/${encodeURIComponent(one.name)}` }, one.name), one.recordings, one.windows,
    day(one.created), app.allows("enrol") && remove(one.name, "gallery", app, messages)]);
  fill(content, h("h1", {}, t("gallery.title")), h("p", { class: "lead" }, t("gallery.lead")), messages,
    people.length === 0 ? empty(t("gallery.none"), t("gallery.none.text"), enrol)
      : h("section", { class: "card" }, h("h2", {}, t("gallery.people")),
        table(t("gallery.people"), [t("gallery.name"), t("gallery.recordings"), t("gallery.windows"), t("gallery.since"), h("span", { class: "unseen" }, t("gallery.remove"))], rows),
        h("p", { class: "actions" }, enrol)),
    h("section", { class: "card" }, h("h2", {}, t("gallery.references")), h("p", {}, t("gallery.references.text")),
      footage.length === 0 ? h("p", { class: "hint" }, t("gallery.references.none"))
        : table(t("gallery.references"), [t("gallery.footage"), t("gallery.files"), t("gallery.count"), t("gallery.since"), h("span", { class: "unseen" }, t("gallery.remove"))],
          footage.map((one) => [one.footage, one.files, one.people, day(one.created), app.allows("enrol") && remove(one.footage, "references", app, messages)]))));
}

function day(text) {
  return text.slice(0, 10);
}

function remove(name, what, app, messages) {
  const click = async () => {
    if (!confirm(t("gallery.remove.sure", { name }))) return;
    try {
      await call("DELETE", `/${what}/${encodeURIComponent(name)}`);
      announce(t("gallery.removed", { name }));
      app.go("#/gallery");
    } catch (error) {
      fill(messages, problemBox(error));
    }
  };
  return h("button", { type: "button", class: "plain small", "aria-label": t("gallery.remove.name", { name }), onclick: click }, t("gallery.remove"));
}

async function showPerson(content, name, app) {
  const found = await call("GET", `/gallery/${encodeURIComponent(name)}`);
  fill(content, h("p", {}, h("a", { href: "#/gallery" }, `← ${t("gallery.title")}`)), h("h1", {}, found.name ?? name),
    h("section", { class: "card" }, h("h2", {}, t("gallery.history", { name })),
      table(t("gallery.history", { name }), [t("gallery.file"), t("gallery.used"), t("gallery.models"), t("facts.sha256"), t("gallery.enrolled")],
        found.recordings.map((one) => [one.path, counted(one.windows, "window"), one.model_id, h("code", {}, one.sha256.slice(0, 12)), day(one.created)]))),
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/verify/${encodeURIComponent(name)}` }, t("enrol.next", { name })),
      app.allows("enrol") && h("a", { class: "button plain", href: `#/enrol/${encodeURIComponent(name)}` }, t("enrol.title"))));
}
