// The number of rows that match, counted when somebody asks for it.
import { api } from "../api.js";
import { html, useState } from "../dom.js";
import { t } from "../i18n.js";
import { problemText } from "../states.js";

/** A button, and in its place what it found. */
export function Total({ filters }) {
  const [text, setText] = useState("");
  const ask = async () => {
    setText(t("audit.counting"));
    try {
      const { total, total_is_lower_bound: isBound } = await api.get("/api/v1/audit/logs", { ...filters, size: 1 });
      setText(t(isBound ? "audit.total_at_least" : "audit.total", { count: total }));
    } catch (problem) {
      setText(problemText(problem));
    }
  };
  return html`<span role="status" class="number">
    ${text || html`<button type="button" data-kind="plain" onClick=${ask}>${t("audit.count_all")}</button>`}
  </span>`;
}
