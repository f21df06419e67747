// What the browser keeps: where it keeps nothing (private windows, full disks), memory stands in until the reload.
function wrap(find) {
  const memory = new Map();
  const use = (work, otherwise) => {
    try {
      return work(find());
    } catch {
      return otherwise();
    }
  };
  return {
    get: (name) => use((store) => store.getItem(name), () => memory.get(name) ?? null),
    set: (name, value) => use((store) => store.setItem(name, value), () => memory.set(name, value)),
    remove: (name) => use((store) => store.removeItem(name), () => memory.delete(name)),
    keys: () => use((store) => Object.keys(store), () => [...memory.keys()]),
    read(name, otherwise) {
      try {
        return JSON.parse(this.get(name)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    write(name, value) {
      this.set(name, JSON.stringify(value));
    },
  };
}

/** Until the window is closed: the token, delete tokens, how forms were left. */
export const forThisWindow = wrap(() => window.sessionStorage);
/** For ever: theme, language, where unfinished uploads go on. */
export const forThisBrowser = wrap(() => window.localStorage);
