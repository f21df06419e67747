// Files out of what was dropped: folders are walked, whatever their depth.

/** Files with the path that they had in a folder, as `{file, path}`. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return picked(transfer.files);
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

export const picked = (files) => [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => null);
    if (file) found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  // A browser gives a folder in pieces, and nothing at its end.
  for (;;) {
    const piece = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!piece.length) return;
    for (const each of piece) await walk(each, found);
  }
}
