// Elements from data: text is always text, never markup.

/** Make an element. `on…` properties are listeners, the others attributes; false and null are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  set(element, properties);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
}

/** Put new content into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let numbers = 0;

/** Return an identifier that no other element has. */
export function unique(word) {
  numbers += 1;
  return `${word}-${numbers}`;
}

/** A field: label, control, and a hint that screen readers read with it. */
export function field(label, control, hint = "") {
  control.id ||= unique("field");
  const about = hint ? h("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (about) control.setAttribute("aria-describedby", about.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, about);
}

/** A box with its label beside it. */
export function choice(label, control, hint = "") {
  control.id ||= unique("field");
  const about = hint ? h("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (about) control.setAttribute("aria-describedby", about.id);
  return h("div", { class: "choice" }, control, h("div", {}, h("label", { for: control.id }, label), about));
}

/** Tell screen readers something without moving the focus. */
export function announce(text) {
  const news = document.getElementById("news");
  if (news.textContent !== text) news.textContent = text;
}

/** On a phone, where rows become blocks, a cell says what it is. */
function labelled(head) {
  return typeof head === "string" && head ? head : null;
}

/** A table: heads, and rows of cells; `caption` names it. */
export function table(caption, heads, rows, properties = {}) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      { role: "table", ...properties },
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", { role: "rowgroup" }, rows.map(([first, ...rest]) =>
        h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, first),
          rest.map((cell, place) => h("td", { role: "cell", "data-label": labelled(heads[place + 1]) }, cell))))),
    ),
  );
}
