// Shortcuts: "/" to the filter or the search, arrows in lists, Escape out of a menu, "g" and a letter
// to a page, "?" for the list of them. None of them is for who types, and none has a modifier.
"use strict";
(() => {
  const SECOND_WITHIN_MS = 1500;
  const template = document.getElementById("shortcuts-template");
  let goesUntil = 0; // until then a letter is the second of two keys

  function show() {
    let dialog = document.getElementById("shortcuts");
    if (!dialog) {
      document.body.append(template.content.cloneNode(true));
      dialog = document.getElementById("shortcuts");
      if (/Mac|iPhone|iPad/.test(navigator.platform)) dialog.querySelector("[data-mod]").textContent = "⌘";
      dialog.addEventListener("click", (event) => {
        if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
      });
    }
    dialog.showModal();
  }

  function moveInList(step) {
    const rows = [...document.querySelectorAll("[data-list] a[data-row]")];
    const at = rows.indexOf(document.activeElement);
    rows[Math.max(0, Math.min(rows.length - 1, at + step))]?.focus();
    return rows.length > 0;
  }

  function focusFilter() {
    const field = document.querySelector("[data-find]") || document.getElementById("find");
    field?.focus();
    return Boolean(field);
  }

  function go(key) {
    const link = template.content.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) location.assign(link.getAttribute("href"));
    return Boolean(link);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    const types = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (types || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const isSecond = Date.now() < goesUntil && !event.repeat;
    goesUntil = 0;
    let done = false;
    if (isSecond && template && event.key.length === 1) done = go(event.key);
    else if (event.key === "g" && template && !event.repeat) goesUntil = Date.now() + SECOND_WITHIN_MS;
    else if (event.key === "/") done = focusFilter();
    else if (event.key === "?" && template) { show(); done = true; }
    else if (event.key === "ArrowDown" && !event.shiftKey) done = moveInList(1);
    else if (event.key === "ArrowUp" && !event.shiftKey) done = moveInList(-1);
    if (done) event.preventDefault();
  });
})();
