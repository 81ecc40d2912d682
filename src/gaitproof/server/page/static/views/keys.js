// Keys, and the log of who asked what.

import { call } from "../api.js";
import { announce, field, fill, h, table } from "../dom.js";
import { empty, note, problemBox } from "../parts.js";
import { t, when } from "../texts.js";

export async function showKeys(content, rest, app) {
  const [keys, log] = await Promise.all([call("GET", "/keys"), call("GET", "/audit?limit=100")]);
  const messages = h("div");
  fill(content, h("h1", {}, t("keys.title")), h("p", { class: "lead" }, t("keys.lead")), messages,
    keys.length === 0 ? empty(t("keys.none"), t("keys.none.text"))
      : h("section", { class: "card" }, h("h2", {}, t("keys.list")),
        table(t("keys.list"), [t("keys.label"), t("keys.role"), t("keys.id"), t("keys.made"), t("keys.state")], keys.map((key) => [
          key.label || "–", key.role, h("code", {}, key.id), when(key.created), state(key, app, messages)]))),
    makeKey(app, messages),
    h("section", { class: "card" }, h("h2", {}, t("audit.title")),
      log.length === 0 ? h("p", {}, t("audit.none")) : table(t("audit.title"), [t("audit.time"), t("audit.what"), t("audit.key"), t("audit.details")],
        log.map(entryCells))));
}

function entryCells(entry) {
  const { time, action, key, number, tenant, hash, ...more } = entry;
  const details = Object.entries(more).filter(([, value]) => value !== "" && value !== null).map(([name, value]) =>
    `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join("; ");
  return [time.slice(0, 19).replace("T", " "), action, h("code", {}, key || "–"), h("span", { class: "long" }, details)];
}

function state(key, app, messages) {
  if (key.revoked !== null) return t("keys.revoked", { time: when(key.revoked) });
  const click = async () => {
    if (!confirm(t("keys.revoke.sure"))) return;
    try {
      await call("DELETE", `/keys/${key.id}`);
      app.go("#/keys");
    } catch (error) {
      fill(messages, problemBox(error));
    }
  };
  return [key.id === app.session.key ? `${t("keys.own")} ` : `${t("keys.valid")} `,
    h("button", { type: "button", class: "plain small", "aria-label": t("keys.revoke.name", { name: key.label || key.id }), onclick: click }, t("keys.revoke"))];
}

function makeKey(app, messages) {
  const role = h("select", {}, ["admin", "enrol", "verify"].map((name) => h("option", { value: name }, t(`keys.role.${name}`))));
  const label = h("input", { type: "text", maxlength: "100", autocomplete: "off" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const made = await call("POST", "/keys", { role: role.value, label: label.value });
      if (app.session.key === "") await app.logIn(made.secret);
      const secret = h("code", { class: "secret" }, made.secret);
      const copy = h("button", { type: "button", class: "plain", onclick: async () => {
        await navigator.clipboard.writeText(made.secret);
        announce(t("keys.copied"));
        copy.textContent = t("keys.copied");
      } }, t("keys.copy"));
      fill(messages, note(h("p", {}, t("keys.secret")), h("p", {}, secret), h("p", { class: "actions" }, copy)));
      messages.scrollIntoView({ block: "center" });
      announce(t("keys.secret"));
    } catch (error) {
      fill(messages, problemBox(error));
    }
  };
  return h("form", { class: "card", onsubmit: submit }, h("h2", {}, t("keys.new")),
    h("div", { class: "columns" }, field(t("keys.label"), label, t("keys.label.hint")), field(t("keys.role"), role)),
    h("p", { class: "actions" }, h("button", { type: "submit" }, t("keys.make"))));
}
