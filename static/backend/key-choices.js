// Choices that follow the provider (or server type) and the customer, without a page reload:
// every <select data-choices="url"> of the form asks that address again when one of them changes.
(function () {
  "use strict";

  const LEADERS = ["provider", "type", "customer"];

  function fill(select, groups) {
    const chosen = select.value;
    const empty = select.options.length ? select.options[0].text : "";
    select.replaceChildren(new Option(empty, ""));
    groups.forEach((group) => {
      const options = group.rows.map((row) => new Option(row.label, row.id, false, String(row.id) === chosen));
      if (!group.label) {
        select.append(...options);
      } else if (options.length) {
        const block = document.createElement("optgroup");
        block.label = group.label;
        block.append(...options);
        select.append(block);
      }
    });
  }

  function follow(form) {
    let newest = 0;

    async function refresh() {
      const asked = ++newest;
      const values = LEADERS.map((name) => [name, form.elements[name] ? form.elements[name].value : ""]);
      const selects = [...form.querySelectorAll("select[data-choices]")];
      for (const url of new Set(selects.map((select) => select.dataset.choices))) {
        const response = await fetch(url + "?" + new URLSearchParams(values), { headers: { Accept: "application/json" } });
        if (!response.ok || asked !== newest) return;
        const { groups } = await response.json();
        selects.filter((select) => select.dataset.choices === url).forEach((select) => fill(select, groups));
      }
    }

    // The customer's autocomplete announces its changes through jQuery alone.
    django.jQuery(form).on("change", LEADERS.map((name) => `[name=${name}]`).join(", "), refresh);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const forms = [...document.querySelectorAll("select[data-choices]")].map((select) => select.form);
    new Set(forms).forEach((form) => form && follow(form));
  });
})();
