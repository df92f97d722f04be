// The form of a webhook: more rows of headers, uses that tick their event types, and a search over these.
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

  // A use is not sent itself: its types are, and one of them can be unticked again. A type that
  // another ticked use needs too stays when a use is unticked.
  const uses = [...form.querySelectorAll("[data-types]")], pressed = new Set();
  const boxes = new Map(types.map((type) => type.querySelector("input")).map((box) => [box.value, box]));
  const boxesOf = (use) => use.dataset.types.split(" ").map((name) => boxes.get(name)).filter(Boolean);
  for (const use of uses) {
    use.removeAttribute("name");
    if (use.checked) pressed.add(use);
    use.addEventListener("change", () => {
      if (use.checked) pressed.add(use);
      else pressed.delete(use);
      const needed = new Set([...pressed].flatMap(boxesOf));
      for (const box of boxesOf(use)) box.checked = needed.has(box);
    });
  }
  const count = () => {
    const ticked = types.filter((type) => type.querySelector("input").checked).length;
    chosen.textContent = `${ticked} chosen`;
    for (const family of form.querySelectorAll(".family")) {
      const own = family.querySelectorAll(".type input:checked").length, chip = family.querySelector(".ticked");
      chip.hidden = !own;
      chip.textContent = `${own} chosen`;
    }
    for (const use of uses) {
      use.checked = pressed.has(use);
      use.indeterminate = use.checked && !boxesOf(use).every((box) => box.checked);
    }
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
