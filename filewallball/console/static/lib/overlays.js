// What lies over the page: dialogs, questions, and notes that pass.
import { createStore, html, render, useEffect, useId, useLayoutEffect, useRef, useState, useStore } from "./dom.js";
import { t } from "./i18n.js";
import { Icon } from "./controls.js";

/**
 * A dialog while it is drawn; Escape and the button close it. `side` makes it a sheet at the edge, which a click beside
 * it closes too: others may hold what was typed, or what is shown once.
 *
 * It is drawn in a place of its own: a dialog that is moved within the page, as its siblings come and go, is modal no
 * more.
 */
export function Dialog(props) {
  const holder = useRef(null);
  holder.current ??= document.createElement("div");
  useLayoutEffect(() => {
    document.getElementById("overlays").append(holder.current);
    return () => {
      render(null, holder.current);
      holder.current.remove();
    };
  }, []);
  useLayoutEffect(() => render(html`<${Modal} ...${props} />`, holder.current));
  return null;
}

function Modal({ title, onClose, side = false, wide = false, children }) {
  const element = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog.showModal();
    placeNotes();
    return () => {
      if (dialog.open) dialog.close();
      placeNotes();
      before?.focus?.();
    };
  }, []);
  const cancelled = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog
    ref=${element}
    class=${side ? "sheet" : "window"}
    data-wide=${wide}
    aria-labelledby=${id}
    onCancel=${cancelled}
    onMouseDown=${(event) => side && event.target === element.current && onClose()}
  >
    <div class="dialog-inner">
      <div class="dialog-head">
        <h2 id=${id} tabindex="-1" autofocus=${side}>${title}</h2>
        <button type="button" class="icon-button" aria-label=${t("common.close")} onClick=${onClose}>
          <${Icon} name="close" />
        </button>
      </div>
      <div class="dialog-body">${children}</div>
    </div>
  </dialog>`;
}

/** A question before something that cannot be undone. `onYes` may be asynchronous. */
export function Confirm({ title, text, yes, onYes, onClose, children }) {
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await onYes();
      onClose();
    } finally {
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${text && html`<p>${text}</p>`} ${children}
    <div class="actions">
      <button type="button" data-kind="plain" onClick=${onClose}>${t("common.cancel")}</button>
      <button type="button" data-kind="danger" aria-busy=${isBusy} disabled=${isBusy} onClick=${run}>${yes}</button>
    </div>
  <//>`;
}

const notes = createStore([]);
let last = 0;

/** Show a note for some seconds: `toast(text, {tone, seconds, action: {label, run}})`. Returns a function that ends it. */
export function toast(text, { tone = "plain", seconds = 6, action } = {}) {
  const id = ++last;
  const end = () => notes.set((now) => now.filter((note) => note.id !== id));
  notes.set((now) => [...now.slice(-3), { id, text, tone, action, end, seconds }]);
  setTimeout(end, seconds * 1000);
  return end;
}

const notesHolder = document.createElement("div");

/** Put the notes into the topmost dialog, for what lies below one is neither seen nor clicked. */
function placeNotes() {
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.getElementById("overlays");
  if (notesHolder.parentNode !== top) top.append(notesHolder);
}

export function Toasts() {
  useLayoutEffect(() => {
    placeNotes();
    render(html`<${Notes} />`, notesHolder);
  }, []);
  return null;
}

function Notes() {
  const shown = useStore(notes);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map(
      ({ id, text, tone, action, end }) =>
        html`<div class="toast" key=${id} data-tone=${tone}>
          <span>${text}</span>
          ${action &&
          html`<button
            type="button"
            onClick=${() => {
              end();
              action.run();
            }}
          >
            ${action.label}
          </button>`}
        </div>`,
    )}
  </div>`;
}
