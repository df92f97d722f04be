// The list of deliveries: choose all of the page, and say how many are chosen.
"use strict";
(() => {
  const boxes = () => [...document.querySelectorAll("input[name=id]")];
  const all = document.querySelector("[data-all]");
  if (!all) return;
  const tell = () => {
    const chosen = boxes().filter((one) => one.checked).length;
    all.checked = chosen > 0 && chosen === boxes().length;
    all.indeterminate = chosen > 0 && !all.checked;
    for (const one of document.querySelectorAll("[data-chosen]")) one.textContent = chosen ? ` (${chosen})` : "";
    for (const one of document.querySelectorAll("button[value$=' selected']")) one.disabled = !chosen;
  };
  all.addEventListener("change", () => { for (const one of boxes()) one.checked = all.checked; });
  document.addEventListener("change", tell);
  window.addEventListener("pageshow", tell);
  tell();
})();
