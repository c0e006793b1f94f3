// What the theme and Select2 leave out for those who listen to a page: its main part, and what a choice is for.
addEventListener("DOMContentLoaded", () => {
  document.getElementById("main")?.setAttribute("role", "main");
  nameChoices();
  // Some become a Select2 only after everything else, and rows of a form may be added.
  new MutationObserver(nameChoices).observe(document.body, { childList: true, subtree: true });
});

function nameChoices() {
  for (const choice of document.querySelectorAll("select.select2-hidden-accessible:not([data-named])")) {
    const [label] = choice.labels;
    const box = choice.parentElement.querySelector(".select2-selection");
    const shown = box?.querySelector(".select2-selection__rendered");
    if (!label || !shown) continue;
    choice.dataset.named = "";
    label.id ||= `label-${choice.id}`;
    box.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
    shown.setAttribute("aria-labelledby", label.id);
  }
}
