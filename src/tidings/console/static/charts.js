// Draws the charts of a page: each [data-chart] holds its numbers as JSON, and a table beside it says
// the same. Hovering tells the values; colours are the page's own, in both themes.
"use strict";

(() => {
  const HEIGHT = 180;
  const drawn = new Map(); // element → chart

  function colour(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
  const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
  function told(unit, value) {
    if (value == null) return "–";
    if (unit === "percent") return `${value.toFixed(value % 1 ? 1 : 0)} %`;
    if (unit !== "ms") return whole.format(value);
    if (value < 1000) return `${value.toFixed(value < 10 && value % 1 ? 1 : 0)} ms`;
    if (value < 60000) return `${(value / 1000).toFixed(1)} s`;
    if (value < 3600000) return `${(value / 60000).toFixed(0)} min`;
    return `${(value / 3600000).toFixed(1)} h`;
  }
  const tick = (unit, value) => unit === "count" ? (value % 1 ? "" : short.format(value)) : told(unit, value);

  const timeZone = document.documentElement.dataset.zone; // that of all times of the page
  const CLOCK = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit", timeZone});
  const DAY = new Intl.DateTimeFormat(undefined, {month: "short", day: "numeric", timeZone});
  const BOTH = new Intl.DateTimeFormat(undefined, {month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone});

  // Bars on top of each other: each line is drawn up to the sum of itself and those below.
  function sums(lines) {
    const below = [];
    return lines.map((line) => line.values.map((value, at) => (below[at] = (below[at] || 0) + (value || 0))));
  }

  function draw(root, chart) {
    const old = drawn.get(root);
    if (old) old.destroy();
    const days = chart.starts_ms.at(-1) - chart.starts_ms[0] > 2 * 86400000;
    const order = chart.stacked ? [...chart.lines.keys()].reverse() : [...chart.lines.keys()];
    const values = chart.stacked ? sums(chart.lines) : chart.lines.map((line) => line.values);
    const grid = {stroke: colour("line"), width: 1};
    const axis = {stroke: colour("soft"), grid, ticks: {show: false}, font: "12px system-ui, sans-serif"};
    const options = {
      width: Math.max(200, root.clientWidth),
      height: HEIGHT,
      padding: [8, 36, 0, 0],
      cursor: {drag: {x: false, y: false}, points: {show: !chart.stacked}, y: false},
      legend: {live: true},
      scales: {x: {time: true}, y: {range: (_, low, high) => [0, Math.max(high * 1.08, chart.unit === "count" ? 4 : 1)]}},
      axes: [
        {...axis, grid: {show: false}, size: 28, space: 64, values: (_, at) => at.map((s) => (days ? DAY : CLOCK).format(new Date(s * 1000)))},
        {...axis, size: 56, space: 32, values: (_, at) => at.map((value) => tick(chart.unit, value))},
      ],
      series: [
        {label: "From", value: (_, s) => s == null ? "–" : BOTH.format(new Date(s * 1000))},
        ...order.map((number) => {
          const line = chart.lines[number];
          const stroke = colour(line.colour);
          return {
            label: line.name,
            stroke,
            width: chart.stacked ? 0 : 2,
            fill: chart.stacked ? stroke : undefined,
            paths: chart.stacked ? uPlot.paths.bars({size: [0.8, 28], gap: 0}) : undefined,
            spanGaps: false,
            points: {show: !chart.stacked && chart.starts_ms.length < 80, size: 4, stroke, fill: stroke},
            value: (_, __, ___, at) => at == null ? "–" : told(chart.unit, line.values[at]),
          };
        }),
      ],
    };
    const data = [chart.starts_ms.map((ms) => ms / 1000), ...order.map((number) => values[number])];
    const made = new uPlot(options, data, root);
    drawn.set(root, made);
  }

  const sizes = new ResizeObserver((entries) => {
    for (const {target} of entries) {
      const chart = drawn.get(target);
      if (chart && chart.width !== target.clientWidth && target.clientWidth > 0) {
        chart.setSize({width: target.clientWidth, height: HEIGHT});
      }
    }
  });

  window.tidingsCharts = (root) => {
    for (const place of root.querySelectorAll("[data-chart]:not([data-drawn])")) {
      place.dataset.drawn = "";
      draw(place, JSON.parse(place.dataset.chart));
      sizes.observe(place);
    }
  };

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const place of [...drawn.keys()]) draw(place, JSON.parse(place.dataset.chart));
  });
})();
