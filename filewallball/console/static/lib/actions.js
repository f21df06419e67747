// Doing something through the API: the dialog that asks for it, the request, and what is said afterwards.
import { html, useState } from "./dom.js";
import { t } from "./i18n.js";
import { Dialog, toast } from "./overlays.js";
import { ProblemNote } from "./states.js";

/**
 * A dialog with a form. `run()` sends the request; then `said(answer)` is shown for some seconds and `onDone(answer)`
 * called. What the service refuses is shown in the dialog, and given to `children(problem)`, if that is a function.
 */
export function ActionDialog({ title, action, tone, run, said, onDone, onClose, children }) {
  const [{ isBusy, problem }, setState] = useState({ isBusy: false, problem: null });
  const submit = async (event) => {
    event.preventDefault();
    setState({ isBusy: true, problem: null });
    try {
      const answer = await run();
      if (said) toast(said(answer), { tone: "ok" });
      onDone(answer);
    } catch (refused) {
      setState({ isBusy: false, problem: refused });
    }
  };
  const [content] = [].concat(children);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="stack" onSubmit=${submit}>
      <${ProblemNote} problem=${problem?.code === "conflict" ? inItsOwnWords(problem) : problem} />
      ${typeof content === "function" ? content(problem) : children}
      <div class="actions">
        <button type="button" data-kind="plain" onClick=${onClose}>${t("common.cancel")}</button>
        <button type="submit" data-kind=${tone} aria-busy=${isBusy} disabled=${isBusy}>${action}</button>
      </div>
    </form>
  <//>`;
}

/** A conflict has many causes, which only the service's own words tell. */
const inItsOwnWords = ({ detail, requestId }) => ({ detail, requestId });

/** The values of a form and a handler for each of its controls: `set("name")`. */
export function useValues(initial) {
  const [values, setValues] = useState(initial);
  const set = (name) => (event) => {
    const { type, checked, value } = event.target;
    setValues((before) => ({ ...before, [name]: type === "checkbox" ? checked : value }));
  };
  return [values, set];
}

/** What is wrong with a field, in one text. */
export const faultOf = (problem, name) => [].concat(problem?.errors?.[name] ?? []).join(" ");
