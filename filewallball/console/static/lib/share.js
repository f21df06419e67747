// Giving a file to somebody: its own address where that opens it, else by a link that is made for it.
import { html } from "./dom.js";
import { t } from "./i18n.js";
import { absolute } from "./api.js";
import { Icon, Secret } from "./controls.js";
import { Dialog } from "./overlays.js";
import { QrCode } from "./qr.js";
import { href } from "./router.js";
import { isNobody, may } from "./session.js";

/** True if the caller may make links: they belong to users. */
export const mayMakeLinks = () => may("file:share") && !isNobody();

/** The way to the dialog for a new link to a file. */
export const MakeLink = ({ id, kind = "plain" }) =>
  html`<a role="button" data-kind=${kind} href=${href("links", { file_id: id, new: "1" })}><${Icon} name="link" size="16" />${t("common.make_link")}</a>`;

/** The address of a file that is not private, to copy or to scan; and what a link of its own could do besides. */
export function ShareDialog({ file, onClose }) {
  const url = absolute(file.download_url);
  return html`<${Dialog} title=${file.filename} onClose=${onClose}>
    <p>${t("common.share_text")}</p>
    <${Secret} text=${url} label=${t("common.address")} />
    <${QrCode} text=${url} />
    <p class="quiet">${t(mayMakeLinks() ? "common.share_by_link" : isNobody() ? "common.share_signed_in" : "common.share_plain")}</p>
    ${mayMakeLinks() && html`<div><${MakeLink} id=${file.file_id} /></div>`}
  <//>`;
}
