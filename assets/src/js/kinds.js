// One function per kind of plot: (figure, width in px) -> {svg, legend}. A figure is what components/plots.py writes:
// {kind, title, unit, x, y, series, columns: [{key, label, kind}], rows, threshold, options}.
import * as Plot from "@observablehq/plot";
import { colours, draw, legend, say, tick } from "./drawing.js";

const distinct = (rows, key) => [...new Set(rows.map((row) => row[key]))];
const columnOf = (figure, key) => figure.columns.find((column) => column.key === key) ?? { key, label: key };

/** The lines of a tip: every column with its value. */
function tip(figure, row) {
  return figure.columns
    .filter(({ key }) => row[key] !== null && row[key] !== undefined)
    .map(({ key, label, kind }) => `${label}: ${say(row[key], kind, kind === "gpu_hours" ? figure.unit : "")}`)
    .join("\n");
}

const yAxis = (figure, kind) => ({ label: null, grid: true, ticks: 5, tickFormat: tick(kind), nice: true, zero: true });

function everyNth(values, width, each = 56) {
  const step = Math.max(1, Math.ceil((values.length * each) / width));
  return values.filter((_, at) => at % step === 0);
}

/** The format of a category's label: words under each other where they would run into the next label. */
function category(kind, domain, width) {
  if (kind !== "text") return tick(kind);
  const room = (width - 70) / domain.length / 7;
  return (label) => (String(label).length > room ? String(label).replaceAll(" ", "\n") : String(label));
}

/** Bars over months or categories; stacked, or side by side with options.grouped. */
function bars(figure, width) {
  const { rows, x, y, series, options } = figure;
  const xKind = columnOf(figure, x).kind;
  const yKind = columnOf(figure, y).kind;
  const names = series ? distinct(rows, series) : [];
  const domain = distinct(rows, x);
  const shown = xKind === "text" ? domain : everyNth(domain, width);
  const fill = series ? series : colours[0];
  const title = (row) => tip(figure, row);
  const common = { width, height: Math.min(360, Math.max(220, width * 0.5)), marginLeft: 52, marginBottom: 48 };
  const colour = { domain: names, range: colours };
  let marks;
  let scales;
  if (options.grouped) {
    marks = [Plot.barY(rows, { fx: x, x: series, y, fill, title, tip: true, insetLeft: 0.5, insetRight: 0.5 })];
    scales = {
      x: { domain: names, axis: null, padding: 0.05 },
      fx: { domain, label: null, tickFormat: category(xKind, domain, width), ticks: shown, padding: 0.18 },
    };
  } else {
    marks = [Plot.barY(rows, { x, y, fill, title, tip: true, order: series ? names : null })];
    scales = { x: { domain, label: null, tickFormat: category(xKind, domain, width), ticks: shown, padding: 0.22 } };
  }
  if (options.line) {
    // What the bars are measured against: capacity, say. A step per category.
    marks.push(
      Plot.tickY(distinctRows(rows, x), {
        ...(options.grouped ? { fx: x } : { x }),
        y: options.line, stroke: "var(--fk-ink)", strokeWidth: 2,
      }),
    );
  }
  const entries = names.map((label, at) => ({ label, colour: colours[at % colours.length] }));
  if (options.line) entries.push({ label: columnOf(figure, options.line).label, colour: "var(--fk-ink)", shape: "line" });
  return {
    svg: draw({ ...common, ...scales, y: yAxis(figure, yKind), color: colour, marks: [...marks, Plot.ruleY([0])] }),
    legend: entries.length > 1 ? legend(entries) : null,
  };
}

function distinctRows(rows, key) {
  const seen = new Map(rows.map((row) => [row[key], row]));
  return [...seen.values()];
}

/** What is left of a budget over time against its plan; rows: {date, left, plan}, either may be null. */
function burndown(figure, width) {
  const rows = figure.rows.map((row) => ({ ...row, at: new Date(row[figure.x]) }));
  const [left, plan] = [figure.y, figure.options.plan];
  const known = rows.filter((row) => row[left] !== null && row[left] !== undefined);
  const planned = rows.filter((row) => plan && row[plan] !== null && row[plan] !== undefined);
  const marks = [
    Plot.areaY(known, { x: "at", y: left, fill: "var(--fk-series-1)", fillOpacity: 0.1, curve: "step-after" }),
    Plot.lineY(planned, { x: "at", y: plan, stroke: "var(--fk-quiet)", strokeWidth: 2, strokeDasharray: "5 4" }),
    Plot.lineY(known, { x: "at", y: left, stroke: "var(--fk-series-1)", strokeWidth: 2.5, curve: "step-after" }),
    Plot.ruleY([0]),
    Plot.tip(rows, Plot.pointerX({ x: "at", y: (row) => row[left] ?? row[plan], title: (row) => tip(figure, row) })),
  ];
  if (figure.options.today)
    marks.push(Plot.ruleX([new Date(figure.options.today)], { stroke: "var(--fk-quiet)", strokeWidth: 1 }));
  if (known.length) marks.push(Plot.dot([known.at(-1)], { x: "at", y: left, r: 4.5, fill: "var(--fk-series-1)" }));
  const entries = [{ label: columnOf(figure, left).label, colour: "var(--fk-series-1)", shape: "line" }];
  if (plan) entries.push({ label: columnOf(figure, plan).label, colour: "var(--fk-quiet)", shape: "dash" });
  return {
    svg: draw({
      width, height: Math.min(340, Math.max(220, width * 0.45)), marginLeft: 52, marginBottom: 32,
      x: { type: "utc", label: null, ticks: Math.max(2, Math.floor(width / 110)), tickFormat: tick("date") },
      y: yAxis(figure, columnOf(figure, left).kind),
      marks,
    }),
    legend: legend(entries),
  };
}

/** Horizontal bars per promise: decided, queued, used (options.measures), and a mark at what is required. */
function promises(figure, width) {
  const { rows, x, options } = figure;
  const measures = options.measures;
  const flat = rows.flatMap((row) =>
    measures.map((measure) => ({ ...row, measure, value: row[measure], name: row[x] })),
  );
  const tones = ["var(--ds-color-accent-border-subtle)", "var(--ds-color-accent-border-default)", "var(--fk-series-1)"];
  const kind = columnOf(figure, measures[0]).kind;
  const names = distinct(flat, "name");
  const narrow = width < 560;
  const marginLeft = narrow ? 4 : Math.min(240, width * 0.32);
  const rowHeight = (narrow ? 24 : 6) + measures.length * 13 + 14;
  const marks = [
    Plot.barX(flat, {
      fy: "name", y: "measure", x: "value", fill: "measure", title: (row) => tip(figure, row), tip: true,
      insetTop: 0.5, insetBottom: 0.5,
    }),
    Plot.ruleX(rows, { fy: x, x: options.required, stroke: "var(--fk-ink)", strokeWidth: 3 }),
    Plot.ruleX([0]),
  ];
  // A long name goes on in a second line beside its bars, and ends at the edge above them.
  if (narrow) {
    const lineWidth = width / 12;
    marks.push(Plot.text(rows, { fy: x, text: x, frameAnchor: "top-left", dy: -16, fontWeight: 560, lineWidth, textOverflow: "ellipsis" }));
  } else {
    marks.push(Plot.axisFy({ anchor: "left", label: null, lineWidth: (marginLeft - 16) / 13 }));
  }
  return {
    svg: draw({
      width, height: names.length * rowHeight + 40, marginLeft, marginRight: 24, marginTop: narrow ? 26 : 12, marginBottom: 28,
      x: { label: null, grid: true, ticks: Math.max(3, Math.floor(width / 140)), tickFormat: tick(kind), zero: true, nice: true },
      y: { domain: measures, axis: null, padding: 0 },
      fy: { domain: names, label: null, axis: null, padding: narrow ? 0.42 : 0.28 },
      color: { domain: measures, range: tones },
      marks,
    }),
    legend: legend([
      ...measures.map((key, at) => ({ label: columnOf(figure, key).label, colour: tones[at % tones.length] })),
      { label: columnOf(figure, options.required).label, colour: "var(--fk-ink)", shape: "mark" },
    ]),
  };
}

/** Who gains and who loses: a bar to the right or to the left of zero for each category. */
function diverging(figure, width) {
  const { rows, x, y, options } = figure;
  const kind = columnOf(figure, y).kind;
  const names = distinct(rows, x);
  const narrow = width < 560;
  const [more, less] = ["var(--fk-series-1)", "var(--fk-series-2)"];
  const marks = [
    Plot.barX(rows, {
      y: x, x: y, fill: (row) => (row[y] < 0 ? less : more), title: (row) => tip(figure, row), tip: true,
      insetTop: narrow ? 20 : 2, insetBottom: 2,
    }),
    Plot.ruleX([0]),
  ];
  if (narrow) marks.push(Plot.text(rows, { y: x, text: x, frameAnchor: "left", dy: -14, fontWeight: 560 }));
  return {
    svg: draw({
      width, height: names.length * (narrow ? 46 : 30) + 40, marginLeft: narrow ? 4 : Math.min(240, width * 0.32),
      marginRight: 24, marginTop: 8, marginBottom: 28,
      x: { label: null, grid: true, ticks: Math.max(3, Math.floor(width / 140)), tickFormat: tick(kind), nice: true, zero: true },
      y: { domain: names, label: null, axis: narrow ? null : "left", padding: 0.1, tickSize: 0 },
      marks,
    }),
    legend: legend([{ label: options.more, colour: more }, { label: options.less, colour: less }]),
  };
}

/** How often each value occurs, in bins of options.bin; the threshold as a line. The domain's end is in its last bin. */
function histogram(figure, width) {
  const { rows, x, threshold, options } = figure;
  const kind = columnOf(figure, x).kind;
  const end = options.domain?.[1];
  const binned = options.bin ? (row) => (row[x] === end ? end - options.bin / 2 : row[x]) : x;
  const marks = [
    Plot.rectY(
      rows,
      Plot.binX(
        { y: "count" },
        { x: binned, interval: options.bin ?? undefined, fill: "var(--fk-series-1)", tip: { format: { y: true, x: true } } },
      ),
    ),
    Plot.ruleY([0]),
  ];
  if (threshold !== null && threshold !== undefined) {
    marks.push(Plot.ruleX([threshold], { stroke: "var(--fk-ink)", strokeWidth: 2.5, strokeDasharray: "5 3" }));
    marks.push(
      Plot.text([threshold], {
        x: (value) => value, frameAnchor: "top", text: () => options.threshold_label ?? "", dy: -14, fontWeight: 600,
      }),
    );
  }
  return {
    svg: draw({
      width, height: Math.min(300, Math.max(200, width * 0.4)), marginLeft: 36, marginBottom: 40, marginTop: 28,
      x: { label: columnOf(figure, x).label, labelAnchor: "center", labelArrow: "none", tickFormat: tick(kind),
        ...(options.domain ? { domain: options.domain } : {}) },
      y: { label: null, grid: true, ticks: 5, tickFormat: (value) => (Number.isInteger(value) ? String(value) : "") },
      marks,
    }),
    legend: null,
  };
}

/** Lines over time or another measure, one per series. */
function lines(figure, width) {
  const { rows, x, y, series } = figure;
  const dated = columnOf(figure, x).kind === "date";
  const points = rows.map((row) => ({ ...row, at: dated ? new Date(row[x]) : row[x] }));
  const names = series ? distinct(rows, series) : [];
  return {
    svg: draw({
      width, height: Math.min(340, Math.max(220, width * 0.45)), marginLeft: 52, marginBottom: 34,
      x: { label: null, ...(dated ? { type: "utc" } : {}), tickFormat: tick(columnOf(figure, x).kind) },
      y: yAxis(figure, columnOf(figure, y).kind),
      color: { domain: names, range: colours },
      marks: [
        Plot.lineY(points, { x: "at", y, z: series, stroke: series ?? colours[0], strokeWidth: 2.25 }),
        Plot.tip(points, Plot.pointer({ x: "at", y, title: (row) => tip(figure, row) })),
        Plot.ruleY([0]),
      ],
    }),
    legend: names.length > 1 ? legend(names.map((label, at) => ({ label, colour: colours[at % 8], shape: "line" }))) : null,
  };
}

export const kinds = { bars, burndown, promises, diverging, histogram, lines };
