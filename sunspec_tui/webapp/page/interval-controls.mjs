// Buttons, choices and keys for the interval of time that the page shows.

const PERIODS = [
  ["rows", 0], ["15 min", 900], ["1 h", 3600], ["6 h", 21600], ["24 h", 86400], ["7 days", 604800], ["30 days", 2592000],
];
const ZOOM_STEP = 2, PAN_STEP = 0.5;

/** Returns the actions of keys; `picture` is the `TimelinePicture`. */
export function intervalActions(picture) {
  const { timeline } = picture;
  return {
    z: () => picture.zoom(1 / ZOOM_STEP), Z: () => picture.zoom(ZOOM_STEP),
    PageUp: () => timeline.pan(-PAN_STEP), PageDown: () => timeline.pan(PAN_STEP),
    Home: () => timeline.toOldest(), End: () => timeline.toLive(), d: () => { timeline.toLive(); timeline.toSpan(86400); },
  };
}

/** Listens to the controls in `at`; `picture()` returns the `TimelinePicture`. */
export function listenForInterval(at, picture) {
  at.period.replaceChildren(...PERIODS.map(([words, span]) => new Option(words, String(span))));
  at.period.addEventListener("change", () => {
    const span = Number(at.period.value), { timeline } = picture();
    if (span) timeline.toSpan(span);
    else timeline.leave();
  });
  for (const [id, key] of [["earlier", "PageUp"], ["later", "PageDown"], ["zoom_in", "z"], ["zoom_out", "Z"], ["to_live", "End"]]) {
    at[id].addEventListener("click", () => intervalActions(picture())[key]());
  }
}

/** Shows the span in the choice, and whether the picture is live. */
export function showInterval(at, timeline) {
  const { begin, end } = timeline.interval, span = !timeline.isActive ? 0 : timeline.follows ? timeline.settings.span : end - begin;
  const known = PERIODS.find(([, each]) => Math.abs(each - span) < 1);
  let other = at.period.querySelector("[data-other]");
  if (!known && !other) {
    other = new Option("", "-1");
    other.dataset.other = "";
    other.disabled = true;
    at.period.append(other);
  }
  if (known) other?.remove();
  else other.textContent = spanText(span);
  at.period.value = known ? String(known[1]) : "-1";
  at.to_live.setAttribute("aria-pressed", String(timeline.follows));
  at.pause.textContent = timeline.follows ? at.pause.textContent : "Resume";
  if (timeline.isActive) at.pause.setAttribute("aria-pressed", String(!timeline.follows));
  if (timeline.isActive && timeline.follows) at.pause.textContent = "Pause";
}

/** Returns a span in days, hours, minutes and seconds. */
export function spanText(span) {
  if (!Number.isFinite(span)) return "–";
  const units = [["days", 86400], ["h", 3600], ["min", 60]].find(([, size]) => span >= size) ?? ["s", 1];
  return `${Number((span / units[1]).toPrecision(3))} ${units[0]}`;
}
