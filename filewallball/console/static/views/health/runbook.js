export const Runbook = () => null;
