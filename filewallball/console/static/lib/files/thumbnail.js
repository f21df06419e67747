// A small picture of an image, or the sign of another kind of file; asked for when it comes into sight.
import { html, useEffect, useRef, useState } from "../dom.js";
import { Icon } from "../controls.js";
import { addressesOf } from "./tickets.js";

const PICTURES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

const RETRIES = 3; // a busy service makes no thumbnails for the moment
const RETRY_MS = 2000;

export const hasPicture = (file) => Boolean(file.thumbnail_url) && PICTURES.has(file.mime_type) && !file.is_quarantined;

export function Thumbnail({ file, size = 80, large = false }) {
  const [source, setSource] = useState("");
  const [tries, setTries] = useState(0);
  const place = useRef(null);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const failed = () => {
    setSource("");
    if (tries < RETRIES) timer.current = setTimeout(() => setTries(tries + 1), RETRY_MS * 2 ** tries);
  };
  useEffect(() => {
    if (!hasPicture(file)) return undefined;
    const observer = new IntersectionObserver(([seen]) => {
      if (!seen.isIntersecting) return;
      observer.disconnect();
      addressesOf(file).then(({ thumbnail }) => setSource(`${thumbnail}?size=${size}`), failed);
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [file.file_id, file.visibility, tries]);
  return html`<span ref=${place} class="thumbnail" data-large=${large} data-awaited=${hasPicture(file) && !source}>
    ${source
      ? html`<img src=${source} alt="" loading="lazy" referrerpolicy="no-referrer" onError=${failed} />`
      : html`<${Icon} name="file" size=${large ? 28 : 18} />`}
  </span>`;
}
