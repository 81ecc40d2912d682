// The frame of the page: session, navigation, and which view is shown.

import { call, Refusal, setToken, Unreachable } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { problemBox } from "./parts.js";
import { t } from "./texts.js";
import { showEnrol } from "./views/enrol.js";
import { showGallery } from "./views/gallery.js";
import { showJob, showJobs } from "./views/jobs.js";
import { showKeys } from "./views/keys.js";
import { showLogin } from "./views/login.js";
import { applyTheme, showSettings } from "./views/settings.js";
import { showVerify } from "./views/verify.js";

const VIEWS = {
  verify: { title: "verify.title", show: showVerify, role: "verify" },
  enrol: { title: "enrol.title", show: showEnrol, role: "enrol" },
  gallery: { title: "gallery.title", show: showGallery, role: "verify" },
  jobs: { title: "jobs.title", show: (...given) => (given[1].length ? showJob : showJobs)(...given), role: "verify" },
  keys: { title: "keys.title", show: showKeys, role: "admin" },
  settings: { title: "settings.title", show: showSettings, role: "verify" },
};
const ROLES = ["verify", "enrol", "admin"];

const app = { session: null, health: null, leaving: new AbortController(), allows, go, logIn, logOut };

function allows(role) {
  return app.session !== null && ROLES.indexOf(app.session.role) >= ROLES.indexOf(role);
}

function go(where) {
  if (location.hash === where) render(false);
  else location.hash = where;
}

async function logIn(key) {
  app.session = await call("POST", "/session", { key });
  setToken(app.session.csrf);
}

async function logOut() {
  await call("DELETE", "/session");
  app.session = null;
  setToken("");
  go("#/login");
}

function place() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/");
  return [name || "verify", rest.map(decodeURIComponent)];
}

function drawFrame(current) {
  document.getElementById("skip").textContent = t("frame.skip");
  const links = app.session === null ? [] : Object.entries(VIEWS).filter(([, view]) => allows(view.role));
  fill(
    document.getElementById("top"),
    h("a", { class: "brand", href: "#/verify" }, h("img", { src: "icon.svg", alt: "", width: "28", height: "28" }), "gaitproof"),
    links.length > 0 && h("nav", { "aria-label": t("frame.nav") }, h("ul", {}, links.map(([name]) =>
      h("li", {}, h("a", { href: `#/${name}`, "aria-current": name === current && "page" }, t(`nav.${name}`)))))),
  );
  fill(document.getElementById("bottom"), h("p", {}, t("frame.about", { version: app.health?.version ?? "" })));
}

/** Show the view of the address; `arriving` moves the focus to its heading. */
async function render(arriving = true) {
  app.leaving.abort();
  app.leaving = new AbortController();
  const signal = app.leaving.signal;
  let [name, rest] = place();
  if (app.session === null) name = "login";
  const view = VIEWS[name];
  drawFrame(name);
  const content = document.getElementById("content");
  document.title = `${t(view?.title ?? (name === "login" ? "login.title" : "frame.lost"))} · gaitproof`;
  try {
    if (name === "login") await showLogin(content, rest, app);
    else if (view && allows(view.role)) await view.show(content, rest, app, signal);
    else fill(content, h("h1", {}, t("frame.lost")), h("p", {}, t("frame.lost.text")));
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Refusal && error.problem.status === 401) {
      app.session = null;
      render();
      return;
    }
    fill(content, h("h1", {}, t("frame.failed")), problemBox(error));
  }
  if (!signal.aborted) content.dataset.shown = location.hash;
  if (arriving && !signal.aborted) {
    const heading = content.querySelector("h1");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
    announce(document.title);
  }
}

async function start() {
  applyTheme();
  try {
    app.health = await call("GET", "/health");
    app.session = await call("GET", "/session");
    setToken(app.session.csrf);
  } catch (error) {
    if (error instanceof Unreachable) {
      drawFrame("");
      fill(document.getElementById("content"), h("h1", {}, t("frame.failed")), problemBox(error));
      return;
    }
  }
  addEventListener("hashchange", () => render());
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("content").focus();
  });
  await render();
}

start();
