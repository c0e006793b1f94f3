// The API key's choices follow the provider (or server type) and the customer, without a page reload.
(function () {
  "use strict";

  function fill(select, groups) {
    const chosen = select.value;
    select.replaceChildren(new Option(select.options.length ? "Select value" : "", ""));
    groups.forEach((group) => {
      const block = document.createElement("optgroup");
      block.label = group.label;
      group.keys.forEach((key) => {
        const option = new Option(key.label, key.id, false, String(key.id) === chosen);
        block.append(option);
      });
      if (group.keys.length) select.append(block);
    });
  }

  function follow(select) {
    const form = select.form;
    const value = (name) => (form.elements[name] ? form.elements[name].value : "");
    let newest = 0;

    async function refresh() {
      const asked = ++newest;
      const query = new URLSearchParams({
        provider: value("provider"), type: value("type"), customer: value("customer"),
      });
      const response = await fetch(select.dataset.choices + "?" + query, { headers: { Accept: "application/json" } });
      if (response.ok && asked === newest) fill(select, (await response.json()).groups);
    }

    // The customer's autocomplete announces its changes through jQuery alone.
    django.jQuery(form).on("change", "[name=provider], [name=type], [name=customer]", refresh);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("select[data-choices]").forEach(follow);
  });
})();
