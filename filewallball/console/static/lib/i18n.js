// Words in the reader's language. Each view has a file of messages in each language, loaded with the view.
import { createStore, useStore } from "./dom.js";
import { forThisBrowser } from "./storage.js";

export const LOCALES = { en: "English", ko: "한국어" };
export const locale = createStore(document.documentElement.lang in LOCALES ? document.documentElement.lang : "en");
const messages = { en: {}, ko: {} };
const loaded = new Set();

/** Load the messages of a view in the present language. */
export async function loadMessages(view, language = locale.get()) {
  if (loaded.has(`${language}/${view}`)) return;
  const found = await import(`../messages/${language}/${view}.js`);
  messages[language][view] = found.default;
  loaded.add(`${language}/${view}`);
}

/** Speak another language from now on, here and after the next load. */
export async function speak(language) {
  const views = new Set([...loaded].map((each) => each.split("/")[1]));
  await Promise.all([...views].map((view) => loadMessages(view, language)));
  forThisBrowser.set("fwb.locale", language);
  document.documentElement.lang = language;
  locale.set(language);
}

export const useLocale = () => useStore(locale);

/** What is made of a language, made once: making one costs more than using it a hundred times. */
const rules = {};
const numbers = {};
const pluralOf = (count, language = locale.get()) => (rules[language] ??= new Intl.PluralRules(language)).select(count);
const numberOf = (value, language = locale.get()) => (numbers[language] ??= new Intl.NumberFormat(language)).format(value);

/**
 * The message `view.key` with its `{values}` filled in. A message may be an object by plural (`one`, `other`), chosen
 * by the value `count`. Values are text or numbers; numbers are written as the language does.
 */
export function t(key, values = {}) {
  const [view, ...rest] = key.split(".");
  let found = messages[locale.get()][view]?.[rest.join(".")];
  if (found === undefined) return key;
  if (typeof found === "object") {
    found = found[pluralOf(Number(values.count))] ?? found.other;
  }
  return found.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? numberOf(value) : String(value);
  });
}

/** True if there is such a message. */
export const has = (key) => t(key) !== key;
