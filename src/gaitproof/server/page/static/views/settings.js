// What one can set, and what this service is.

import { call } from "../api.js";
import { field, fill, h } from "../dom.js";
import { problemBox } from "../parts.js";
import { size, t } from "../texts.js";

const KEPT = "gaitproof-theme";

/** Apply the colours that were chosen in this browser. */
export function applyTheme(theme = localStorage.getItem(KEPT) ?? "auto") {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export async function showSettings(content, rest, app) {
  const [health, videos] = await Promise.all([call("GET", "/health"), call("GET", "/videos")]);
  const theme = h("select", {}, ["auto", "light", "dark"].map((name) => h("option", { value: name }, t(`settings.theme.${name}`))));
  theme.value = localStorage.getItem(KEPT) ?? "auto";
  theme.addEventListener("change", () => {
    localStorage.setItem(KEPT, theme.value);
    applyTheme(theme.value);
  });
  const messages = h("div");
  const { session } = app;
  fill(content, h("h1", {}, t("settings.title")), messages,
    h("section", { class: "card" }, h("h2", {}, t("settings.look")), field(t("settings.theme"), theme, t("settings.theme.hint"))),
    h("section", { class: "card" }, h("h2", {}, t("settings.who")),
      facts([["settings.tenant", session.tenant], ["settings.role", session.role], ["settings.key", session.key || t("settings.nokey")]]),
      session.key && h("p", { class: "actions" }, h("button", { type: "button", class: "plain", onclick: () => app.logOut() }, t("settings.logout")))),
    h("section", { class: "card" }, h("h2", {}, t("settings.service")),
      facts([["settings.version", health.version], ["settings.queued", health.queued], ["settings.running", health.running]]),
      h("h3", {}, t("settings.videos")),
      videos.length === 0 ? h("p", { class: "hint" }, t("settings.videos.none"))
        : h("ul", { class: "plain-list" }, videos.map((video) => h("li", {}, `${video.name}, ${size(video.bytes)} `, remove(video, app, messages)))),
      h("p", {}, h("a", { href: "/v1/openapi.json" }, t("settings.api")))));
}

function facts(rows) {
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, String(value))]));
}

function remove(video, app, messages) {
  const click = async () => {
    try {
      await call("DELETE", `/videos/${video.id}`);
      app.go("#/settings");
    } catch (error) {
      fill(messages, problemBox(error));
    }
  };
  return h("button", { type: "button", class: "plain small", "aria-label": t("settings.videos.delete", { name: video.name }), onclick: click }, t("gallery.remove"));
}
