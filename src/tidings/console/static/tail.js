// The live tail. Facts are text: they are set as text, never as HTML.
"use strict";
(() => {
  const table = document.getElementById("tail");
  if (!table) return;
  const base = table.dataset.base; // of the org's pages
  const ROWS = 200;
  const NAMES = 2000; // events whose type is remembered, so that their deliveries can be filtered by it
  const GLYPHS = {delivered: "✓", retrying: "↻", failed: "✗", accepted: "·"};
  const rows = table.tBodies[0], form = document.getElementById("tail-filters");
  const state = document.getElementById("tail-state"), empty = document.getElementById("tail-empty");
  const pause = document.getElementById("tail-pause"), clear = document.getElementById("tail-clear");
  const names = new Map();
  let paused = false, waiting = [], lost = 0, source = null;

  const filters = () => Object.fromEntries(new FormData(form));
  const fits = (fact) => {
    const want = filters();
    if (want.kind && want.kind !== fact.kind) return false;
    if (want.type && want.type !== fact.name) return false;
    if (want.webhook && want.webhook !== fact.webHookId) return false;
    return !want.state || want.state === fact.state;
  };

  function made(name, text, href) {
    const one = document.createElement(href ? "a" : name);
    if (href) one.href = href;
    one.textContent = text;
    return one;
  }
  function cell(row, label, ...content) {
    const one = row.insertCell();
    one.dataset.label = label;
    const inside = document.createElement("span");
    inside.append(...content);
    one.append(inside);
    return one;
  }
  function told(fact) {
    const row = document.createElement("tr");
    const time = made("time", fact.at.toLocaleTimeString("sv-SE", {timeZone: document.documentElement.dataset.zone}));
    time.dateTime = time.title = fact.at.toISOString();
    time.dataset.told = "";
    cell(row, "Time", time);
    const id = made("small", fact.eventId);
    id.className = "clip";
    const href = fact.kind === "event" ? `${base}/events/${encodeURIComponent(fact.eventId)}` : `${base}/deliveries/${encodeURIComponent(fact.deliveryId)}`;
    cell(row, "What", made("a", fact.kind === "event" ? fact.name : fact.name || "delivery", href), id);
    cell(row, "Webhook", fact.kind === "event" ? (fact.webhooks ? `for ${fact.webhooks}` : "nobody wants it")
      : made("a", fact.webHookName, `${base}/webhooks/${encodeURIComponent(fact.webHookId)}`));
    const word = document.createElement("span"), glyph = made("i", GLYPHS[fact.state] || "·");
    word.className = `state ${fact.state in GLYPHS ? fact.state : ""}`;
    glyph.setAttribute("aria-hidden", "true");
    word.append(glyph, ` ${fact.state}`);
    if (fact.attempt > 1) word.append(` (attempt ${fact.attempt})`);
    cell(row, "State", word);
    cell(row, "Answer", fact.status || fact.fault || "–").className = "n";
    cell(row, "Took", fact.durationMs === undefined ? "–" : `${fact.durationMs} ms`).className = "n";
    return row;
  }
  function show(facts) {
    const fitting = facts.filter(fits).slice(-ROWS);
    if (!fitting.length) return;
    empty.hidden = true;
    rows.prepend(...fitting.reverse().map(told));
    while (rows.rows.length > ROWS) rows.deleteRow(-1);
  }
  function say(word, kind) {
    const missed = lost ? `; ${lost} came too fast to be shown` : "";
    const text = `${word}${missed}`;
    if (state.textContent !== text) state.textContent = text;
    state.className = `state ${kind}`;
  }
  const tellState = () => {
    if (paused) return say(`‖ paused${waiting.length ? `, ${waiting.length} waiting` : ""}`, "paused");
    if (source && source.readyState === EventSource.CLOSED) return say("✗ ended: load the page again", "failed");
    return source && source.readyState === EventSource.OPEN ? say("✓ live", "ok") : say("↻ connecting", "retrying");
  };

  let queue = [];
  const flush = () => {
    if (paused) {
      const all = waiting.concat(queue);
      lost += Math.max(0, all.length - ROWS * 5);
      waiting = all.slice(-ROWS * 5);
    } else if (queue.length) show(queue);
    queue = [];
    tellState();
  };
  function take(kind, data) {
    const fact = JSON.parse(data);
    fact.kind = kind;
    if (kind === "event") {
      names.set(fact.eventId, fact.eventName);
      if (names.size > NAMES) names.delete(names.keys().next().value);
      fact.state = "accepted";
      fact.at = new Date(fact.acceptedAt);
    } else fact.at = new Date();
    fact.name = names.get(fact.eventId) || "";
    queue.push(fact);
    if (queue.length > ROWS * 5) { queue.shift(); lost += 1; }
  }
  function listen() {
    source = new EventSource(table.dataset.stream);
    source.onopen = source.onerror = tellState;
    source.addEventListener("event", (one) => take("event", one.data));
    source.addEventListener("delivery", (one) => take("delivery", one.data));
    source.addEventListener("dropped", (one) => { lost += JSON.parse(one.data).facts; });
  }
  pause.hidden = clear.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) { queue = waiting.concat(queue); waiting = []; }
    flush();
  });
  clear.addEventListener("click", () => { rows.replaceChildren(); lost = 0; empty.hidden = false; tellState(); });
  // The address is the state: what is chosen stands in it, and the rows that do not fit go.
  const chosen = () => {
    const want = Object.entries(filters()).filter(([, value]) => value);
    history.replaceState(null, "", want.length ? `?${new URLSearchParams(want)}` : location.pathname);
    rows.replaceChildren();
    empty.hidden = false;
  };
  form.addEventListener("change", chosen);
  form.addEventListener("submit", (event) => { event.preventDefault(); chosen(); });
  window.addEventListener("pagehide", () => { if (source) source.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  setInterval(flush, 200);
  listen();
})();
