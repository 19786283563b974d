// Colours and font size of the chosen theme, for what is drawn on canvases.

const NAMES = ["text", "dim", "line", "first", "second", "bad"];

/** Applies a theme and returns its colours. */
export function applyTheme(theme) {
  const light = theme === "light" || (theme === "system" && matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.classList.toggle("light", light);
  const style = getComputedStyle(document.documentElement);
  return {
    light,
    colours: Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])),
    masked: light ? [150, 154, 160] : [96, 102, 110],
    gap: light ? [226, 228, 226] : [30, 37, 44],
    unknown: light ? [240, 241, 239] : [15, 20, 25],
    font: parseFloat(getComputedStyle(document.body).fontSize) * 0.85,
  };
}
