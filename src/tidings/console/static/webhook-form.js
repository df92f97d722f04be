// The form of a webhook: more rows of headers, and a search over the event types.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("webhook");
  if (!form) return;

  const more = document.getElementById("more-headers");
  const row = document.getElementById("header-row");
  more.hidden = false;
  more.addEventListener("click", () => {
    const list = document.getElementById("headers");
    list.append(row.content.cloneNode(true));
    list.lastElementChild.querySelector("input").focus();
  });

  const search = document.getElementById("event-search");
  const find = document.getElementById("find-type");
  const chosen = document.getElementById("chosen");
  const types = [...form.querySelectorAll(".type")];
  search.hidden = false;
  const count = () => {
    const ticked = types.filter((type) => type.querySelector("input").checked).length;
    chosen.textContent = `${ticked} chosen`;
  };
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const type of types) type.hidden = !words.every((word) => type.dataset.type.includes(word));
    for (const family of form.querySelectorAll(".family")) {
      const hits = [...family.querySelectorAll(".type")].filter((type) => !type.hidden);
      family.hidden = !hits.length;
      if (words.length) family.open = true;
      else family.open = hits.some((type) => type.querySelector("input").checked);
    }
  });
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  form.addEventListener("change", count);
  count();
});
