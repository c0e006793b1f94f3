// Before the first paint: the theme the person chose; otherwise the system's own.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage may be closed; the system's theme is fine */ }
document.documentElement.classList.add("js");
