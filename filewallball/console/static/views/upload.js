// Upload: drop files and folders, watch them go, copy the links.
import { html } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { PageHead } from "../lib/components.js";

export default function Upload() {
  return html`<${PageHead} title=${t("upload.title")} />`;
}
