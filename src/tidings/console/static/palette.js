// The palette: Ctrl-K or Cmd-K opens it, and whatever is found in it is a link. The server finds; what
// is typed is asked for when somebody pauses, and a question that is overtaken is given up.
"use strict";
(() => {
  const PAUSE_MS = 150, WITHIN_MS = 5000;
  const template = document.getElementById("palette-template");
  if (!template) return;
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const key of document.querySelectorAll("[data-mod]")) key.textContent = isMac ? "⌘ K" : "Ctrl K";
  let dialog, input, list, told, timer, asked; // asked: the question under way
  let shown = null; // the text that the rows are of

  function make() {
    document.body.append(template.content.cloneNode(true));
    dialog = document.getElementById("palette");
    input = dialog.querySelector("input");
    list = dialog.querySelector("[role=listbox]");
    told = dialog.querySelector(".told");
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    });
    input.addEventListener("keydown", move);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      asked?.abort();
    });
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    if (!dialog) make();
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    input.value = "";
    show(null, "");
    dialog.showModal();
    input.focus();
    ask();
  }

  const text = () => input.value.trim();
  const options = () => [...list.querySelectorAll("[role=option]")];

  async function ask() {
    asked?.abort();
    const question = asked = new AbortController(), wanted = text();
    const address = new URL(input.form.action);
    address.searchParams.set("q", wanted);
    address.searchParams.set("part", "rows");
    const signal = AbortSignal.any([question.signal, AbortSignal.timeout(WITHIN_MS)]);
    try {
      const answer = await fetch(address, {cache: "no-store", headers: {"hx-request": "true"}, signal});
      const there = answer.headers.get("hx-redirect");
      if (there) return void location.assign(there); // signed out meanwhile
      const rows = await answer.text();
      if (asked !== question) return;
      if (answer.status === 200) show(wanted, rows);
      else show(null, "", "This could not be searched for. Press Enter to see why.");
    } catch {
      if (asked === question && dialog.open) show(null, "", "Tidings has not answered. Press Enter to search again.");
    }
  }

  // The server's rows, and those that this browser keeps itself: a listener of "palette-rows" adds them.
  function show(wanted, rows, trouble = "") {
    shown = wanted;
    list.innerHTML = rows;
    const notes = [...list.querySelectorAll("[data-note]")];
    for (const note of notes) note.remove();
    if (wanted !== null) document.dispatchEvent(new CustomEvent("palette-rows", {detail: {list, wanted}}));
    const found = options();
    found.forEach((option, at) => { option.id = `palette-row-${at}`; });
    list.hidden = !found.length;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    choose(found[0]);
    const counted = wanted ? `${found.length} result${found.length === 1 ? "" : "s"}.` : "";
    told.textContent = trouble || [counted, ...notes.map((note) => note.textContent)].join(" ").trim();
  }

  function choose(option) {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (!option) return void input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({block: "nearest"});
  }

  function move(event) {
    if (event.isComposing) return;
    const all = options(), at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const next = {ArrowDown: at + 1, ArrowUp: at - 1 + all.length * (at < 1), Home: 0, End: all.length - 1}[event.key];
    const ofText = (event.key === "Home" || event.key === "End") && input.value;
    if (next !== undefined && all.length && !ofText && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      choose(all[next % all.length]);
    } else if (event.key === "Enter" && text() === shown && all[at]) {
      event.preventDefault(); // else the form is sent: the page of the search finds it
      all[at].dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey}));
    } else if (event.key === "Enter" && !text()) event.preventDefault();
  }

  for (const button of document.querySelectorAll("[data-palette]")) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const mod = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    if (!mod || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k" || event.repeat) return;
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else open();
  });
})();
