// Handle the page's controls and keys; each changes one setting. This module draws nothing.

import { isSigned, levelUnit } from "./levels.mjs";
import { intervalActions, listenForInterval, showInterval } from "./interval-controls.mjs";
import { BOUNDS, clamp } from "./url-settings.mjs";

const KEYS = [
  ["Space", "pause, resume"], ["r", "fetch all rows again"], ["x, X", "next product, previous product"],
  ["c, C", "next palette, previous palette"], ["a", "manual or automatic levels"], ["( )", "floor down, up"],
  ["{ }", "ceiling down, up"], ["l", "decibels or linear"], ["b", "remove the quiet background"], ["[ ]", "less time, more time"],
  ["- +", "fewer updates, more updates"], ["f", "fullscreen"], ["t", "system, dark or light"],
  ["z, Z", "zoom in and out in time, about the cursor"], ["Page Up, Page Down", "half a picture earlier, later"],
  ["Home", "the oldest known time"], ["End", "back to live"], ["d", "the last 24 hours"], ["m", "highest values or means of columns"],
  ["< >", "previous burst, next burst"], ["B", "marks and list of bursts"], ["i", "bursts that are interference"],
  ["← → ↑ ↓", "move the cursor of the waterfall"], ["Escape", "remove the cursor"], ["?", "this list"],
];
const CHECKED = ["auto", "linear", "remove_background", "bursts", "interference"];
const LEVEL_STEP_DB = 1, HEIGHT_STEP = 64, ZOOM_STEP = 2;

export class Controls {
  /** `settings` is changed in place; `on` has `changed(key)`, `pause`, `refresh`, `fullscreen`, `cursor(columns, bins)`, `timeline` and `burst(by)`. */
  constructor(settings, on) {
    this.settings = settings;
    this.on = on;
    this.at = Object.fromEntries([...document.querySelectorAll("#controls [id]")].map((each) => [each.id, each]));
    for (const key of ["rate", "height"]) this.at[key].addEventListener("input", () => this.set(key, Number(this.at[key].value)));
    for (const key of ["product", "palette", "theme", "show"]) this.at[key].addEventListener("change", () => this.set(key, this.at[key].value));
    for (const key of CHECKED) this.at[key].addEventListener("change", () => this.set(key, this.at[key].checked));
    for (const key of ["floor", "ceiling"]) this.at[key].addEventListener("change", () => this.#level(key));
    this.at.pause.addEventListener("click", () => on.pause());
    this.at.refresh.addEventListener("click", () => on.refresh());
    this.at.fullscreen.addEventListener("click", () => on.fullscreen());
    this.at.help.addEventListener("click", () => this.#help());
    listenForInterval(this.at, () => on.timeline());
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#listKeys();
    this.show();
  }

  set(key, value) {
    this.settings[key] = value;
    this.show();
    this.on.changed(key);
  }

  /** Puts the settings into the elements. */
  show() {
    const { at, settings } = this;
    for (const key of ["rate", "height", "product", "palette", "theme", "show"]) if (at[key].value !== String(settings[key])) at[key].value = settings[key];
    at["rate-shown"].value = `${settings.rate} Hz`;
    at["height-shown"].value = settings.height;
    for (const key of CHECKED) at[key].checked = settings[key];
    // A signed product has its own colours, on a linear scale symmetric about zero.
    const signed = isSigned(settings.product);
    for (const key of ["palette", "linear"]) at[key].disabled = signed;
    for (const key of ["floor", "ceiling"]) {
      at[key].disabled = settings.auto || (signed && key === "floor");
      if (document.activeElement !== at[key]) at[key].value = settings[key] === null ? "" : settings[key].toFixed(1);
    }
  }

  /** Shows the automatic levels, as the start for manual levels. */
  showLevels(floor, ceiling) {
    if (!this.settings.auto) return;
    this.settings.floor = floor === null ? null : Math.round(clamp("floor", floor) * 10) / 10;
    this.settings.ceiling = Math.round(clamp("ceiling", ceiling) * 10) / 10;
    this.show();
  }

  /** Follows the stream's products and unit. */
  follow(axis) {
    this.offer("product", axis.products);
    this.showUnit(axis.unit);
  }

  /** Names the unit of the levels. */
  showUnit(unit) {
    const text = levelUnit(unit);
    for (const each of document.querySelectorAll(".level-unit")) if (each.textContent !== text) each.textContent = text;
  }

  offer(key, values) {
    const select = this.at[key];
    if ([...select.options].map((each) => each.value).join() === values.join()) return;
    select.replaceChildren(...values.map((value) => new Option(value, value)));
    select.value = this.settings[key];
  }

  paused(paused) {
    this.at.pause.setAttribute("aria-pressed", String(paused));
    this.at.pause.textContent = paused ? "Resume" : "Pause";
  }

  #level(key) {
    const value = Number(this.at[key].value);
    const { floor, ceiling } = { ...this.settings, [key]: value };
    if (this.at[key].value === "" || !Number.isFinite(value) || clamp(key, value) !== value || floor >= ceiling) {
      this.at[key].setCustomValidity("The floor must be below the ceiling, both between -200 and 400 dB.");
      this.at[key].reportValidity();
      return;
    }
    for (const each of ["floor", "ceiling"]) this.at[each].setCustomValidity("");
    this.set(key, value);
  }

  #adjust(key, by) {
    const value = clamp(key, (this.settings[key] ?? 0) + by);
    const { floor, ceiling } = { ...this.settings, [key]: value };
    if (floor !== null && ceiling !== null && floor >= ceiling) return;
    if (key === "floor" || key === "ceiling") this.settings.auto = false;
    this.set(key, value);
  }

  /** Shows less or more time: rows, and beyond them the timeline. */
  #span(by) {
    const { settings } = this, picture = this.on.timeline();
    if (picture.timeline.isActive || (by > 0 && settings.height >= BOUNDS.height[1])) picture.zoom(by > 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
    else this.#adjust("height", by * HEIGHT_STEP);
  }

  /** Shows which interval the picture has. */
  showInterval(timeline) {
    showInterval(this.at, timeline);
    this.show();
  }

  #next(key, by) {
    const values = [...this.at[key].options].map((each) => each.value);
    this.set(key, values[(values.indexOf(this.settings[key]) + by + values.length) % values.length]);
  }

  #help() {
    document.getElementById("keys").showModal();
  }

  #listKeys() {
    document.getElementById("keys-list").replaceChildren(...KEYS.flatMap(([keys, text]) => {
      const term = document.createElement("dt"), what = document.createElement("dd");
      term.append(Object.assign(document.createElement("kbd"), { textContent: keys }));
      what.textContent = text;
      return [term, what];
    }));
  }

  #key(event) {
    const { target, key } = event;
    const types = target.matches("select") || (target.matches("input[type=number]") && /^([\d.eE+-]|Arrow.*|Enter)$/.test(key));
    const presses = target.matches("button, a, input") && (key === " " || key === "Enter");
    const slides = target.matches("input[type=range]") && /^(Arrow.*|Page.*|Home|End)$/.test(key);
    if (types || presses || slides || event.ctrlKey || event.altKey || event.metaKey || target.closest("dialog")) return;
    const action = this.#actions()[key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #actions() {
    const { settings, on } = this;
    return {
      " ": () => on.pause(), r: () => on.refresh(), f: () => on.fullscreen(), "?": () => this.#help(),
      x: () => this.#next("product", 1), X: () => this.#next("product", -1),
      c: () => this.#next("palette", 1), C: () => this.#next("palette", -1),
      t: () => this.#next("theme", 1), a: () => this.set("auto", !settings.auto), l: () => this.set("linear", !settings.linear),
      b: () => this.set("remove_background", !settings.remove_background),
      "(": () => this.#adjust("floor", -LEVEL_STEP_DB), ")": () => this.#adjust("floor", LEVEL_STEP_DB),
      B: () => this.set("bursts", !settings.bursts), i: () => this.set("interference", !settings.interference),
      "<": () => on.burst(-1), ">": () => on.burst(1),
      "{": () => this.#adjust("ceiling", -LEVEL_STEP_DB), "}": () => this.#adjust("ceiling", LEVEL_STEP_DB),
      "[": () => this.#span(-1), "]": () => this.#span(1), ...intervalActions(on.timeline()),
      m: () => this.#next("show", 1),
      "-": () => this.#adjust("rate", -1), "+": () => this.#adjust("rate", 1), "=": () => this.#adjust("rate", 1),
      ArrowLeft: () => on.cursor(-1, 0), ArrowRight: () => on.cursor(1, 0),
      ArrowUp: () => on.cursor(0, 1), ArrowDown: () => on.cursor(0, -1), Escape: () => on.cursor(null),
    };
  }
}

