// Runs before anything is drawn, so that the chosen theme and language need no second drawing.
(() => {
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const theme = kept("fwb.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const known = ["en", "ko"];
  const wanted = [kept("fwb.locale"), ...(navigator.languages || [])].map((each) => (each || "").slice(0, 2));
  root.lang = wanted.find((each) => known.includes(each)) || "en";
})();
