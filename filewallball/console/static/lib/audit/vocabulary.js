// The closed sets that the filters of the audit log know.

export const VERBS = ["create", "read", "update", "delete"];

export const ACTIONS = [
  "file:upload", "file:replay", "file:download", "file:view", "file:thumbnail", "file:check", "file:list",
  "file:describe", "file:update", "file:history", "file:delete", "file:expire", "file:scan", "file:scrub",
  "file:release",
  "upload:create", "upload:append", "upload:check", "upload:list", "upload:terminate",
  "link:create", "link:list", "link:describe", "link:revoke", "link:unlock", "link:claim", "link:join",
  "ticket:create",
  "user:list", "user:describe", "user:create", "user:update",
  "auth:fail",
  "token:list", "token:create", "token:revoke", "token:rotate",
  "block:list", "block:add", "block:delete",
  "quota:list", "quota:describe", "quota:update",
  "client:update", "client:delete",
  "audit:read", "audit:export", "audit:verify", "audit:prune",
  "stats:read", "stats:rebuild", "stats:reconcile",
  "backup:create", "backup:prune", "backup:restore",
  "drain:on", "drain:off",
  "upgrade:finish",
  "health:read",
  "alert:receive", "alert:list", "alert:send",
  "http:refuse",
];

export const STATUSES = ["success", "failed", "denied"];

export const RESOURCES = ["file", "user", "system"];
