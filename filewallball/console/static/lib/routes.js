// Every view: its file in views/, its address below /console/, and the permission without which it shows nothing;
// `isForUsers` if it shows nothing without a token either.
export const ROUTES = [
  { view: "upload", path: "", permission: "file:upload", icon: "upload", group: "files" },
  { view: "files", path: "files/:id?", permission: "file:list", icon: "files", group: "files" },
  { view: "links", path: "links/:id?", permission: "file:share", isForUsers: true, icon: "link", group: "files" },
  { view: "overview", path: "overview", permission: "stats:own", icon: "overview", group: "operations" },
  { view: "audit", path: "audit/:id?", permission: "audit:read", icon: "audit", group: "operations" },
  { view: "health", path: "health/:tab?", permission: "stats:read", icon: "health", group: "operations" },
  { view: "security", path: "security/:tab?", permission: "stats:read", icon: "security", group: "operations" },
  { view: "access", path: "access/:tab?", permission: "access:self", icon: "access", group: "operations" },
];
