// Loaded before the first paint: pages without a signed-in user take the theme this browser last had.
(() => {
  const root = document.documentElement;
  if (root.dataset.theme) localStorage.setItem("cts-theme", root.dataset.theme);
  else root.dataset.theme = localStorage.getItem("cts-theme") || "system";
})();
