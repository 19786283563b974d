// The bursts that the server knows: fetched when they have changed, marked on the picture, and listed beside it.

import { BurstList } from "./burst-list.mjs";
import { boxesOf, burstAt, drawMarks, strongest } from "./burst-marks.mjs";
import { headline, isInterference, label, spoken, sure } from "./burst-text.mjs";
import { day } from "./format.mjs";
import { element, setText } from "./status-text.mjs";

const REFRESH_MS = 2000, MAX_BURSTS = 1000;

export class Bursts {
  /** `settings` has `bursts` and `interference`; `page` has `redraw()` and `timeline`. */
  constructor(settings, page) {
    this.settings = settings;
    this.page = page;
    this.known = new Map();
    this.list = []; // the oldest first
    this.revision = null;
    this.chosen = this.pointed = null;
    this.fetchedAt = -Infinity;
    this.boxes = [];
    this.table = new BurstList((name) => this.choose(name));
  }

  // Fetch

  /** Fetches what has changed if the server has another revision, at most every two seconds. */
  update(revision, at = performance.now()) {
    if (!revision || revision === this.revision || this.busy || at - this.fetchedAt < REFRESH_MS) return;
    this.fetchedAt = at;
    this.busy = this.#fetch().finally(() => { this.busy = null; });
  }

  async #fetch() {
    try {
      const answer = await fetch(this.revision === null ? "events" : `events?after=${encodeURIComponent(this.revision)}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.add(await answer.json());
    } catch {
      // The page already shows that the server does not answer. The next status leads to another request.
    }
  }

  /** Takes in an answer of the server. */
  add({ revision, complete, bursts, left_out: leftOut }) {
    const before = new Set(this.known.keys()), isFirst = this.revision === null;
    if (complete) this.known.clear();
    for (const burst of bursts) this.known.set(burst.name, burst);
    this.list = [...this.known.values()].sort((one, other) => one.begin_s - other.begin_s).slice(-MAX_BURSTS);
    this.known = new Map(this.list.map((burst) => [burst.name, burst]));
    this.revision = revision;
    if (complete) this.leftOut = leftOut;
    this.show();
    const news = this.shown.filter(({ name, is_wrong: isWrong }) => !before.has(name) && !isWrong);
    if (!isFirst && news.length) setText("burst-news", `New burst: ${spoken(news.at(-1))}`);
  }

  // Show

  /** Bursts that the user wants to see. */
  get shown() {
    const kept = this.list.filter((burst) => !burst.is_withdrawn);
    return this.settings.interference ? kept : kept.filter((burst) => !isInterference(burst));
  }

  /** Shows the list and the newest burst. */
  show() {
    const { shown, settings, chosen } = this, newest = shown.filter((burst) => !burst.is_wrong).at(-1);
    const today = shown.length ? day(shown.at(-1).begin_s) : "";
    this.table.show(shown, { chosen, today, isHidden: !settings.bursts, leftOut: this.leftOut ?? 0 });
    element("burst-reading").hidden = !newest;
    setText("newest-burst", newest ? headline(newest) : "");
    this.page.redraw();
  }

  /** Marks the bursts of the picture; `place` is the cursor or pointer in shares of its width and height, or null. */
  draw({ box, scale, columns, frame, place, font }) {
    const marked = this.settings.bursts && scale.length > 1 ? this.shown.filter((burst) => !burst.is_wrong) : [];
    const boxes = boxesOf(marked, { scale, columns, box, frame });
    this.boxes = strongest(boxes, this.chosen);
    this.notMarked = boxes.length - this.boxes.length;
    drawMarks(element("marks"), this.boxes, { box, font, chosen: this.chosen, taken: this.boxes.length ? captionBox() : [] });
    const x = place && box.left + place.x * (box.right - box.left), y = place && box.bottom - place.y * (box.bottom - box.top);
    this.pointed = place ? burstAt(this.boxes, x, y) : null;
  }

  /** Names the burst under the cursor, for the readout; else empty. */
  get remark() {
    return this.pointed ? `   burst ${label(this.pointed)} ${sure(this.pointed)}` : "";
  }

  /** Says that some bursts of the picture have no mark; else empty. */
  get caption() {
    return this.notMarked ? `only the strongest ${this.boxes.length} bursts marked` : "";
  }

  // Choose

  /** Shows the time around a burst, and its numbers. */
  choose(name) {
    const burst = this.known.get(name);
    if (!burst) return;
    this.chosen = name;
    this.page.timeline.showAround(burst.begin_s, burst.end_s);
    this.show();
    element("view").scrollIntoView({ block: "nearest" });
  }

  /** Chooses the next or previous burst; without a chosen one, the newest. */
  chooseNeighbour(by) {
    const { shown } = this, at = shown.findIndex(({ name }) => name === this.chosen);
    const to = at < 0 ? shown.length - 1 : at + by;
    if (shown[to]) this.choose(shown[to].name);
  }

  /** State of the bursts, only for tests. */
  get report() {
    const round = (value) => Math.round(value * 10) / 10;
    return {
      revision: this.revision, shown: this.shown.map(({ name }) => name), chosen: this.chosen,
      marks: this.boxes.map(({ burst, left, right, top, bottom }) => [burst.name, round(left), round(right), round(top), round(bottom)]),
    };
  }
}

/** Returns the rectangle of the caption over the picture, if it is shown. */
function captionBox() {
  const { hidden, offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = element("caption");
  return hidden ? [] : [{ left, top, right: left + width, bottom: top + height }];
}
