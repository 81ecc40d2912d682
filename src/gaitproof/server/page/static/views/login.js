// Logging in with a key.

import { Refusal } from "../api.js";
import { field, fill, h } from "../dom.js";
import { problemBox } from "../parts.js";
import { t } from "../texts.js";

export async function showLogin(content, rest, app) {
  const key = h("input", { type: "password", name: "key", autocomplete: "current-password", required: true, spellcheck: "false" });
  const failed = h("div");
  const enter = h("button", { type: "submit" }, t("login.enter"));
  const submit = async (event) => {
    event.preventDefault();
    enter.disabled = true;
    try {
      await app.logIn(key.value.trim());
      app.go("#/verify");
    } catch (error) {
      const wrong = error instanceof Refusal && error.problem.status === 401;
      fill(failed, wrong ? h("div", { class: "box wrong", role: "alert" }, h("p", {}, t("login.wrong"))) : problemBox(error));
      key.focus();
    } finally {
      enter.disabled = false;
    }
  };
  fill(content,
    h("div", { class: "narrow" },
      h("h1", {}, t("login.title")),
      h("p", { class: "lead" }, t("login.text")),
      h("form", { class: "card", onsubmit: submit }, failed, field(t("login.key"), key, t("login.hint")), h("p", { class: "actions" }, enter))));
}
