// What views are built of.
export { useLoad, Loaded, Empty, NotAllowed, ProblemNote, problemText, Skeleton } from "./states.js";
export { DataTable, Pager } from "./table.js";
export { Dialog, Confirm, toast, Toasts } from "./overlays.js";
export { Icon, Badge, CopyButton, Field, PageHead, Facts, Tabs, Secret } from "./controls.js";
export { Chart } from "./chart.js";
