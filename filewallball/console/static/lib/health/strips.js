// Changes of state as strips of a window of time.

/**
 * `{host, dependency, parts, healthy}` for each dependency of each host: its parts in the window from `start` to `end`
 * (milliseconds), and the share of the known time in which it was healthy; null where nothing is known.
 */
export function stripsOf(changes, start, end) {
  const found = new Map();
  for (const { host, dependency, status, changed_at: at } of changes.toReversed()) {
    const key = JSON.stringify([host, dependency]);
    if (!found.has(key)) found.set(key, { host, dependency, turns: [] });
    found.get(key).turns.push({ status, at: Date.parse(at) });
  }
  const strips = [...found.values()].map(({ host, dependency, turns }) => ({ host, dependency, ...stripOf(turns, start, end) }));
  return strips.sort((a, b) => (a.dependency === "service" ? -1 : b.dependency === "service" ? 1 : a.dependency.localeCompare(b.dependency)));
}

function stripOf(turns, start, end) {
  const whole = [{ status: "unknown", at: start }, ...turns].map((turn, place, all) => ({
    status: turn.status,
    from: Math.max(start, turn.at),
    to: Math.min(end, all[place + 1]?.at ?? end),
  }));
  const parts = whole.filter(({ from, to }) => to > from).map((part) => ({ ...part, share: (part.to - part.from) / (end - start) }));
  const time = (matches) => parts.filter(matches).reduce((sum, { from, to }) => sum + to - from, 0);
  const known = time(({ status }) => status !== "unknown" && status !== "disabled");
  return { parts, healthy: known ? time(({ status }) => status === "healthy") / known : null };
}
