// The conditions of a filter: the focus goes on where it was, and what is typed meanwhile stays.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("webhook");
  if (!form) return;
  const inBuilder = (element) => element && element.closest && element.closest("#filter-builder");
  let held = null;

  document.addEventListener("htmx:before:swap", () => {
    const active = document.activeElement;
    held = inBuilder(active) && active.id ? { id: active.id, value: active.value } : null;
  });

  document.addEventListener("htmx:after:swap", () => {
    const builder = document.getElementById("filter-builder");
    if (!builder || builder.dataset.seen) return;
    builder.dataset.seen = "yes";
    const wanted = builder.querySelector("[data-focus]") || document.getElementById(builder.dataset.focusOn);
    const same = held && document.getElementById(held.id);
    if (wanted) wanted.focus();
    else if (same) {
      const there = same.value;
      if (same.matches("input, select, textarea")) same.value = held.value;
      if (same.matches("select") && same.value !== held.value) same.value = there;
      same.focus();
    }
    held = null;
    form.dispatchEvent(new Event("change", { bubbles: true })); // what is shown beside the form follows
  });

  // Enter in a condition looks it through, and neither saves the form nor makes an inbox.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !inBuilder(event.target) || !event.target.matches("input")) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  });
});
