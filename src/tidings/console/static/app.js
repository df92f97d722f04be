// What pages do in the browser beyond links and forms. Everything works without it for reading.
"use strict";

const live = () => document.getElementById("live");

// Times in the zone of the page, which its forms read too: as they are shown they can be pasted. The
// exact value stays on hover.
const ZONE = document.documentElement.dataset.zone;
const TIME = {hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: ZONE};
const TODAY = new Intl.DateTimeFormat("sv-SE", TIME);
const ANY_DAY = new Intl.DateTimeFormat("sv-SE", {year: "numeric", month: "2-digit", day: "2-digit", ...TIME});
function tellTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not(.countdown):not([data-told])")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.textContent = ANY_DAY.format(at);
    time.dataset.told = "";
  }
}

// The zone is chosen in the menu at the top, and kept by this browser.
function offerZones(label) {
  const select = label.querySelector("select"), own = label.dataset.zones;
  if (!label.hidden) return;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = new Set([own, here, "UTC", ZONE, ...Intl.supportedValuesOf("timeZone")]);
  for (const zone of zones) select.add(new Option(zone, zone, false, zone === ZONE));
  select.addEventListener("change", () => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    const age = select.value === own ? 0 : 31536000;
    document.cookie = `tidings-zone=${select.value}; path=${label.dataset.path}; max-age=${age}; samesite=lax${secure}`;
    location.reload();
  });
  label.hidden = false;
}

// Times to come, counted down.
function countDown() {
  for (const time of document.querySelectorAll("time.countdown")) {
    const left = Math.round((new Date(time.dateTime) - Date.now()) / 1000);
    time.textContent = left <= 0 ? "now" : left < 90 ? `in ${left} s`
      : left < 5400 ? `in ${Math.round(left / 60)} min` : `in ${(left / 3600).toFixed(1)} h`;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    live().textContent = "Copied.";
    button.dataset.was ??= button.textContent;
    button.textContent = "✓";
    setTimeout(() => { button.textContent = button.dataset.was; }, 1200);
  } catch {
    live().textContent = "The browser does not let this page copy.";
  }
});

// <form data-confirm="…"> asks before it is sent.
document.addEventListener("submit", (event) => {
  const sentence = event.target.dataset && event.target.dataset.confirm;
  if (sentence && !window.confirm(sentence)) event.preventDefault();
}, true);

// A select or a tick that changes the page at once: <form data-auto>.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && form.hasAttribute("data-auto")) form.requestSubmit();
});

// A form that asks leaves out what is empty: its address is what people share.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

document.addEventListener("toggle", (event) => {
  if (!event.target.matches("details.menu") || !event.target.open) return;
  document.querySelectorAll("details.menu[open]").forEach((one) => { if (one !== event.target) one.open = false; });
  event.target.querySelectorAll("[data-zones]").forEach(offerZones);
}, true);

// A tree that folds, opened or folded at once: <button data-unfold="id of its heading" hidden>.
for (const button of document.querySelectorAll("[data-unfold]")) {
  const section = document.getElementById(button.dataset.unfold).closest("section");
  const folds = [...section.querySelectorAll("details")];
  button.hidden = !folds.some((one) => !one.open);
  button.addEventListener("click", () => {
    const open = folds.some((one) => !one.open);
    for (const one of folds) one.open = open;
    button.textContent = open ? "Fold all" : "Open all";
  });
}

// What asks for itself again says so when no answer comes: <div data-fresh="10"> is to be answered
// anew within so many seconds. Old figures must not pass for those of now.
const answered = new WeakMap(); // by its first child, which every answer brings anew
function tellStale() {
  for (const part of document.querySelectorAll("[data-fresh]")) {
    const child = part.firstElementChild;
    if (!child) continue;
    if (!answered.has(child)) answered.set(child, Date.now());
    const at = answered.get(child);
    const stale = Date.now() - at > part.dataset.fresh * 1000;
    const notes = document.querySelectorAll(`[data-stale="${part.id}"]`);
    part.classList.toggle("stale", stale);
    if (!stale) notes.forEach((note) => note.remove());
    else if (!notes.length) {
      const note = document.createElement("p");
      note.className = "trouble lead";
      note.setAttribute("role", "alert");
      note.dataset.stale = part.id;
      note.textContent = `✗ Tidings has not answered since ${TODAY.format(at)}. What stands below is of that time; whether the service runs is not known.`;
      part.before(note);
    }
  }
}

// Every page asks the service for a sign of life, and is marked old as a whole when none came: what
// it says may not be so any more, whatever stands on it. In a tab that nobody sees it asks when that
// is looked at again. What stands on it is still old when the service answers again: it says so until
// somebody loads it anew, for a page may hold what is shown once, or a form that is half filled in.
const ALIVE_EVERY_MS = 1500, ALIVE_WITHIN_MS = 1400, MISSED_MAX = 2; // old after 4.5 s at most
const page = document.getElementById("main");
let alive = Date.now(), asking = false, missed = 0;
let knownAt = 0; // when it last answered before it was gone
function markOld() {
  let note = document.getElementById("old");
  if (!note) {
    knownAt = alive;
    note = document.createElement("p");
    note.id = "old";
    note.dataset.at = Date.now();
    note.setAttribute("role", "alert");
    page.prepend(note);
    page.classList.add("old");
  }
  note.className = "trouble lead";
  note.textContent = `✗ Tidings has not answered since ${TODAY.format(knownAt)}. This page shows what it knew then.`;
}
function markBack() {
  const note = document.getElementById("old");
  if (!note || note.className === "note lead") return;
  note.className = "note lead";
  note.textContent = `Tidings answers again. This page shows what it knew at ${TODAY.format(knownAt)}. `;
  const again = document.createElement("a");
  again.href = location.pathname + location.search;
  again.textContent = "Load it anew";
  note.append(again);
}
async function askAlive() {
  if (asking || document.hidden) return;
  asking = true;
  missed += 1;
  try {
    const answer = await fetch(page.dataset.alive, {cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(ALIVE_WITHIN_MS)});
    if (answer.status < 500) { alive = Date.now(); missed = 0; } // also one that asks for a sign-in
  } catch { /* it is told by its age */ }
  asking = false;
  if (missed >= MISSED_MAX) markOld();
  else if (!missed) markBack();
}

// Rows that came since a list was shown do not move it: a bar over it says how many there are, and
// leads to them. <a data-newer="where to ask" hidden>
const NEWER_EVERY_MS = 3000, NEWER_WITHIN_MS = 10000;
let countingNewer = false;
async function countNewer() {
  const bar = document.querySelector("[data-newer]");
  if (!bar || countingNewer || document.hidden || bar.textContent.includes("+")) return; // no more is counted
  countingNewer = true;
  try {
    const answer = await fetch(bar.dataset.newer, {cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(NEWER_WITHIN_MS)});
    bar.dataset.newer = answer.headers.get("x-newer") ?? bar.dataset.newer;
    if (answer.status === 200) {
      bar.textContent = await answer.text();
      bar.hidden = false;
    }
  } catch { /* the page is marked old */ }
  countingNewer = false;
}

function settle(root) {
  tellStale();
  tellTimes(root);
  countDown();
}
const here = document.querySelector(".side [aria-current]"); // on a narrow screen the row scrolls
if (here && here.parentElement.scrollWidth > here.parentElement.clientWidth) here.parentElement.scrollLeft = here.offsetLeft - 16;
tellTimes(document); // before the first paint, which waits for this script: nothing jumps
document.addEventListener("DOMContentLoaded", () => {
  settle(document);
  setInterval(() => { countDown(); tellStale(); }, 1000);
  if (document.querySelector("[data-newer]")) setInterval(countNewer, NEWER_EVERY_MS);
  if (page.dataset.alive) {
    setInterval(askAlive, ALIVE_EVERY_MS);
    document.addEventListener("visibilitychange", askAlive);
  }
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) settle(node.parentElement || node);
  }).observe(document.body, {childList: true, subtree: true});
});
