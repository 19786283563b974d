// Load the colour palettes from the server.

const FIRST_WAIT_MS = 500, MAX_WAIT_MS = 8000, DIGITS = 256 * 6;

/** Returns RGBA tables by palette name; retries until the server answers, and passes each error to `on`. */
export async function palettes(on) {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MAX_WAIT_MS)) {
    try {
      const answer = await fetch("palettes.json");
      if (answer.status === 401) throw new Error("a token is needed: open the full address that the monitor shows");
      return tables(await answer.json());
    } catch (error) {
      on(`the palettes could not be loaded (${error.message}), trying again`);
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }
}

function tables(named) {
  const found = Object.fromEntries(Object.entries(named).map(([name, digits]) => [name, table(digits)]));
  if (!found.viridis || !found.diverging) throw new Error("the list of palettes is incomplete");
  return found;
}

function table(digits) {
  if (typeof digits !== "string" || digits.length !== DIGITS) throw new Error("a palette is incomplete");
  const colours = new Uint8Array(256 * 4);
  for (let n = 0; n < 256; n++) {
    for (let part = 0; part < 3; part++) colours[4 * n + part] = parseInt(digits.substr(6 * n + 2 * part, 2), 16);
    colours[4 * n + 3] = 255;
  }
  return colours;
}
