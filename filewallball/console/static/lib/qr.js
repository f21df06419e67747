// A QR code, drawn as one path; its library is loaded when the first one is shown.
import { html, useEffect, useState } from "./dom.js";
import { t } from "./i18n.js";

const QUIET = 3;

async function draw(text) {
  const { default: qrcode } = await import("../vendor/qrcode.mjs");
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  return { path, size: size + 2 * QUIET };
}

export function QrCode({ text }) {
  const [code, setCode] = useState(null);
  useEffect(() => {
    draw(text).then(setCode, () => {});
  }, [text]);
  return html`<div class="qr">
    ${code &&
    html`<svg viewBox=${`0 0 ${code.size} ${code.size}`} role="img" aria-label=${t("common.qr", { text })} shape-rendering="crispEdges">
      <rect width="100%" height="100%" fill="#fff" />
      <path d=${code.path} fill="#000" />
    </svg>`}
  </div>`;
}
