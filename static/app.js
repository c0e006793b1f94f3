// Small manners on top of pages that work without them. No inline handlers: everything hangs on data attributes.
const root = document.documentElement;

function isDark() {
  return (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* lasts for this page then */ }
}

function toggleMenu(button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  document.getElementById("menu").classList.toggle("menu-open", open);
}

function countSelected(form) {
  const boxes = [...form.querySelectorAll('input[name="rows"]')];
  const count = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-select-all]");
  form.querySelector("[data-count]").textContent = count ? `(${count})` : "";
  if (all) {
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
}

async function copyText(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 1500);
}

// What people type into, by name.
function typedInto(form) {
  const isText = (field) => field.tagName === "TEXTAREA" || (field.tagName === "INPUT" && !["hidden", "checkbox", "radio", "file"].includes(field.type));
  return new Map([...form.elements].filter((field) => field.name && isText(field)).map((field) => [field.name, field.value]));
}

// A field that other fields' choices follow from: the fields are drawn again by the server, what was typed stays,
// also what is typed before the answer comes.
function redraw(source, name, value) {
  const form = source.closest("form");
  const asked = typedInto(form);
  let since = [];
  let focused = "";
  document.addEventListener("htmx:beforeSwap", () => {
    since = [...typedInto(form)].filter(([field, text]) => asked.get(field) !== text);
    focused = document.activeElement?.name ?? "";
  }, { once: true });
  document.addEventListener("htmx:afterSettle", () => {
    for (const [field, text] of since) {
      const again = form.elements[field];
      if (again) again.value = text;
    }
    if (focused && form.elements[focused]?.focus) form.elements[focused].focus();
  }, { once: true });
  htmx.ajax("POST", location.href, {
    source: form, target: "#fields", swap: "outerHTML", values: { redraw: "1", [name]: value },
  });
}

// What has changed is told to screen readers once, however often it is looked up: the element itself is replaced.
let said = document.querySelector("[data-say]")?.dataset.say;
document.addEventListener("htmx:afterSettle", () => {
  const now = document.querySelector("[data-say]")?.dataset.say;
  const status = document.querySelector("[data-said]");
  if (status && now !== undefined && now !== said) status.textContent = said = now;
});

// On a phone an unused search and filter bar is folded away.
if (matchMedia("(max-width: 40rem)").matches) {
  for (const fold of document.querySelectorAll("[data-fold]")) fold.removeAttribute("open");
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-theme-toggle], [data-menu], [data-copy], [data-row-action]");
  if (!target) return;
  if ("themeToggle" in target.dataset) toggleTheme();
  if ("menu" in target.dataset) toggleMenu(target);
  if ("copy" in target.dataset) copyText(target);
  if ("rowAction" in target.dataset) {
    event.preventDefault();
    redraw(target, "row_action", target.value);
  }
});

// Conditions are put in order by dragging their number; the arrows beside it do the same for the keyboard.
let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".drag")?.closest("[data-place]") ?? null;
});
document.addEventListener("dragover", (event) => {
  if (dragged && event.target.closest("[data-place]")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const target = event.target.closest("[data-place]");
  if (dragged && target) {
    event.preventDefault();
    redraw(target, "row_action", `move-${dragged.dataset.place}-${target.dataset.place}`);
  }
  dragged = null;
});

// A form is sent once, however often its button is pressed; coming back to the page makes it fresh.
document.addEventListener("submit", (event) => {
  // What opens a tab of its own leaves this form as it is.
  if (event.target.method !== "post" || event.submitter?.formTarget === "_blank") return;
  if ("sent" in event.target.dataset) event.preventDefault();
  event.target.dataset.sent = "";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("change", (event) => {
  const fields = event.target.closest("[data-redraws]");
  if (fields && fields.dataset.redraws.split(" ").some((name) => matches(event.target.name, name))) {
    redraw(event.target, "redraw", "1");
  }
  const bulk = event.target.closest("[data-bulk]");
  if (!bulk) return;
  if ("selectAll" in event.target.dataset) {
    for (const box of bulk.querySelectorAll('input[name="rows"]')) box.checked = event.target.checked;
  }
  countSelected(bulk);
});

// "action" of a form's row is named conditions-3-action.
function matches(fieldName, name) {
  return fieldName === name || fieldName.endsWith(`-${name}`);
}
