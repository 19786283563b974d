// Describe the state of the page, for its statistics, tests and benches.

/** Times and costs of the pictures drawn in the last second, in milliseconds. */
export class FrameTimes {
  drawn = 0;
  times = [];
  cost = [];

  add(at, cost) {
    this.drawn++;
    this.times.push(at);
    this.cost.push(cost);
    while (this.times[0] < at - 1000) {
      this.times.shift();
      this.cost.shift();
    }
  }
}

/** Returns the line of statistics below the picture. */
export function statistics({ counts }, { times, cost }, bytes) {
  const mean = cost.length ? cost.reduce((a, b) => a + b, 0) / cost.length : 0;
  return `${times.length} frames/s drawn, ${mean.toFixed(1)} ms each; rows ${counts.received} received, `
    + `${counts.skipped} skipped, ${counts.twice} twice; ${(bytes / 1e6).toFixed(1)} MB`;
}

/** Returns the state of the page. */
export function reportOf({ history, frames, settings, levels, state, axis, connection, painter, timelinePicture, shown, foregroundRows, notes, bursts }) {
  const { times, cost } = frames;
  return {
    state: state?.word, why: state?.why, settings: { ...settings }, levels: levels.found, removed: shown === foregroundRows,
    counts: { ...history.counts }, next: history.next, filled: history.filled, product: history.product, drawn: frames.drawn,
    fps: times.length, cost: [...cost], axis, timeline: timelinePicture.report, bytes: connection.bytes,
    newest: history.filled ? history.times[history.newest] : null, renderer: painter.constructor.title, notes: notes.places, bursts: bursts.report,
  };
}
