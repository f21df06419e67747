// The one place that names the vendored library of components.
export {
  html,
  h,
  render,
  Component,
  useState,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useCallback,
} from "../vendor/standalone.module.js";
import { useState, useEffect } from "../vendor/standalone.module.js";

/** A value that many components watch: `get`, `set`, `watch`. */
export function createStore(value) {
  const watchers = new Set();
  return {
    get: () => value,
    set(next) {
      value = typeof next === "function" ? next(value) : next;
      for (const tell of [...watchers]) tell(value);
    },
    watch(tell) {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
  };
}

/** The value of a store now; the component is drawn again when it changes. */
export function useStore(store) {
  const [value, setValue] = useState(store.get());
  useEffect(() => {
    setValue(() => store.get());
    return store.watch((next) => setValue(() => next));
  }, [store]);
  return value;
}

let last = 0;

/** An id for `for`, `aria-describedby` and the like, the same as long as the component lives. */
export function useId() {
  const [id] = useState(() => `i${++last}`);
  return id;
}

/** Load a classic script once; resolves when it has run. */
const scripts = new Map();
export function loadScript(url) {
  if (!scripts.has(url)) {
    scripts.set(
      url,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = resolve;
        script.onerror = () => {
          scripts.delete(url);
          reject(new Error(`${url} did not load`));
        };
        document.head.append(script);
      }),
    );
  }
  return scripts.get(url);
}

/** Load a stylesheet once. */
export function loadStyle(url) {
  if ([...document.styleSheets].some((sheet) => sheet.href === url)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = url;
  document.head.append(link);
}
