// The list of the newest bursts beside the picture. A row's button shows its burst.

import { band, beginText, detail, drift, label, spoken, strength, sure, typeWords } from "./burst-text.mjs";
import { element, setText } from "./status-text.mjs";

const MAX_ROWS = 50;

export class BurstList {
  /** `choose(name)` is called when a burst was chosen. */
  constructor(choose) {
    this.rows = element("burst-rows");
    this.rows.addEventListener("click", ({ target }) => {
      const row = target.closest("tr");
      if (row) choose(row.dataset.name);
    });
    this.rows.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows bursts, the newest first; `today` is the date of the picture's newest time. */
  show(bursts, { chosen, today, isHidden, leftOut }) {
    const newest = bursts.slice(-MAX_ROWS).reverse();
    element("burst-list").hidden = isHidden || !newest.length;
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.name : null;
    const first = newest.some(({ name }) => name === chosen) ? chosen : newest[0]?.name;
    this.rows.replaceChildren(...newest.map((burst) => rowOf(burst, { chosen, today, isFirst: burst.name === first })));
    if (focused !== null) this.#buttonOf(focused)?.focus({ preventScroll: true });
    const more = bursts.length + leftOut > newest.length ? `the newest ${newest.length} of ${bursts.length + leftOut}` : "";
    setText("burst-count", more);
    const one = bursts.find(({ name }) => name === chosen);
    setText("burst-detail", one ? detail(one) : "");
  }

  #buttonOf(name) {
    return [...this.rows.querySelectorAll("button")].find((each) => each.closest("tr").dataset.name === name);
  }

  /** Arrow keys move between rows; only one row is in the order of the tab key. */
  #key(event) {
    const buttons = [...this.rows.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[Math.min(buttons.length - 1, Math.max(0, to))];
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

function rowOf(burst, { chosen, today, isFirst }) {
  const row = document.createElement("tr"), button = document.createElement("button"), time = document.createElement("td");
  row.dataset.name = burst.name;
  row.classList.toggle("wrong", burst.is_wrong);
  if (burst.name === chosen) row.setAttribute("aria-current", "true");
  Object.assign(button, { type: "button", textContent: beginText(burst, today) + (burst.is_open ? " …" : ""), tabIndex: isFirst ? 0 : -1 });
  button.setAttribute("aria-label", spoken(burst));
  time.append(button);
  const type = cell(label(burst));
  type.title = typeWords(burst);
  row.append(time, type, cell(sure(burst)), cell(band(burst)), cell(strength(burst)), cell(drift(burst)));
  return row;
}

const cell = (words) => Object.assign(document.createElement("td"), { textContent: words });
