// What every plot shares: numbers and months in the reader's language, the colours of series, a clean SVG.
import * as Plot from "@observablehq/plot";
import { language } from "./language.js";

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const ratio = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const monthOf = new Intl.DateTimeFormat(language, { month: "short", year: "numeric", timeZone: "UTC" });
const dayOf = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });

export const colours = Array.from({ length: 8 }, (_, at) => `var(--fk-series-${at + 1})`);

/** The value as it stands in a tip. */
export function say(value, kind, unit) {
  if (value === null || value === undefined) return "";
  if (kind === "percent") return ratio.format(value);
  if (kind === "month") return monthOf.format(new Date(`${value}-01T00:00:00Z`));
  if (kind === "date") return dayOf.format(new Date(value));
  if (typeof value !== "number") return String(value);
  const text = Math.abs(value) < 100 ? fine.format(value) : whole.format(value);
  return unit ? `${text} ${unit}` : text;
}

/** The value as it stands at a tick: as short as can be. */
export function tick(kind) {
  if (kind === "percent") return (value) => ratio.format(value);
  if (kind === "month") return (value) => monthTick(value);
  if (kind === "date") return (value) => dayOf.format(new Date(value));
  return (value) => (typeof value === "number" ? short.format(value) : String(value));
}

const monthShort = new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" });

function monthTick(value) {
  const date = new Date(`${value}-01T00:00:00Z`);
  return date.getUTCMonth() === 0 ? `${monthShort.format(date)}\n${date.getUTCFullYear()}` : monthShort.format(date);
}

/** Draws and returns an SVG that a strict Content-Security-Policy has nothing to say about. */
export function draw(options) {
  const drawn = Plot.plot({ className: "fk-plot", ...options });
  for (const style of drawn.querySelectorAll("style")) style.remove();
  // Plot names its groups by aria-label, which a group without a role may not have.
  for (const part of drawn.querySelectorAll("g[aria-label]")) {
    part.setAttribute("data-part", part.getAttribute("aria-label"));
    part.removeAttribute("aria-label");
    part.removeAttribute("aria-description");
  }
  return drawn;
}

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A legend as a list; entries: {label, colour, shape: "box" | "line" | "dash" | "mark"}. */
export function legend(entries) {
  const list = document.createElement("ul");
  list.className = "plot-legend";
  for (const { label, colour, shape = "box" } of entries) {
    const item = document.createElement("li");
    const swatch = element("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" });
    if (shape === "box") swatch.append(element("rect", { width: 14, height: 14, rx: 2, fill: colour }));
    else if (shape === "mark") swatch.append(element("rect", { x: 5.5, width: 3, height: 14, fill: colour }));
    else
      swatch.append(
        element("line", {
          x1: 0, x2: 14, y1: 7, y2: 7, stroke: colour, "stroke-width": 3,
          ...(shape === "dash" ? { "stroke-dasharray": "4 3" } : {}),
        }),
      );
    item.append(swatch, label);
    list.append(item);
  }
  return list;
}
