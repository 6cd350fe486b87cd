// <fabriek-map> draws points and links over Europe; every point is a link in the page's order of reading.
import * as Plot from "@observablehq/plot";
import { feature } from "topojson-client";
import topology from "fabriek:europe";
import { draw } from "./drawing.js";

const land = feature(topology, topology.objects.countries);
const SVG = "http://www.w3.org/2000/svg";

class FabriekMap extends HTMLElement {
  connectedCallback() {
    const data = this.querySelector('script[type="application/json"]');
    if (!data || this.figure) return;
    this.figure = JSON.parse(data.textContent);
    this.canvas = document.createElement("div");
    this.canvas.className = "fk-map";
    this.append(this.canvas);
    this.watcher = new ResizeObserver(([entry]) => this.draw(Math.floor(entry.contentRect.width)));
    this.watcher.observe(this);
  }

  disconnectedCallback() {
    this.watcher?.disconnect();
  }

  draw(width) {
    if (!width || width === this.drawn) return;
    this.drawn = width;
    const { points, links = [], title } = this.figure;
    const height = Math.round(Math.min(width * 1.15, 700));
    const frame = {
      type: "MultiPoint",
      coordinates: this.figure.extent ?? [[-11, 35], [31, 35], [-11, 66], [31, 66], [3, 70]],
    };
    const project = [];
    const svg = draw({
      width, height, margin: -2,
      projection: { type: "conic-equal-area", parallels: [43, 62], rotate: [-12, 0], domain: frame, inset: 12, clip: "frame" },
      marks: [
        Plot.geo(land, { className: "fk-map__land", fill: null, stroke: null }),
        Plot.link(links, {
          x1: (link) => link.from[0], y1: (link) => link.from[1], x2: (link) => link.to[0], y2: (link) => link.to[1],
          className: "fk-map__link", stroke: null, title: "label",
        }),
        // A mark that only asks where its points are.
        Plot.dot(points, {
          x: "lon", y: "lat", r: 0,
          render(index, _scales, { x, y }) {
            for (const at of index) project[at] = [x[at], y[at]];
            return document.createElementNS(SVG, "g");
          },
        }),
      ],
    });
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", title);
    const places = points.map((point, at) => ({ ...point, at: project[at] })).filter((point) => point.at);
    for (const place of labelled(places, width)) svg.append(marker(place));
    this.canvas.replaceChildren(svg);
  }
}

/** Labels where there is room: right of the dot, or left of it, else only on hover; never one over another. */
function labelled(places, width) {
  const taken = places.map(({ at: [x, y] }) => [x - 8, y - 8, x + 8, y + 8]);
  const free = (box) => taken.every((other) => box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]);
  for (const place of places) {
    const [x, y] = place.at;
    const length = place.label.length * 6.9 + 4;
    const spots = [
      { dx: 11, dy: 4.5, anchor: "start", box: [x + 9, y - 8, x + 11 + length, y + 8] },
      { dx: -11, dy: 4.5, anchor: "end", box: [x - 11 - length, y - 8, x - 9, y + 8] },
      { dx: 0, dy: -12, anchor: "middle", box: [x - length / 2, y - 25, x + length / 2, y - 9] },
      { dx: 0, dy: 21, anchor: "middle", box: [x - length / 2, y + 9, x + length / 2, y + 25] },
    ];
    place.spot = spots.find(({ box }) => box[0] > 2 && box[2] < width - 2 && free(box));
    if (place.spot) taken.push(place.spot.box);
  }
  return places;
}

function marker({ label, href, status, detail, at: [x, y], spot }) {
  const link = document.createElementNS(SVG, "a");
  link.setAttribute("href", href);
  if (status) link.setAttribute("data-status", status);
  link.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  const { dx, dy, anchor } = spot ?? { dx: 0, dy: -12, anchor: "middle" };
  const text = shape("text", { x: dx, y: dy, "text-anchor": anchor, class: "fk-map__label" });
  if (!spot) text.setAttribute("data-crowded", "");
  text.textContent = label;
  if (detail) {
    const more = shape("tspan", { class: "fk-map__detail" });
    more.textContent = `, ${detail}`;
    text.append(more);
  }
  // The larger circle is what one hits: 24 px, as WCAG 2.2 asks of a target.
  link.append(shape("circle", { r: 12, fill: "transparent" }), shape("circle", { r: 6, class: "fk-map__dot" }), text);
  // What one points at is drawn over its neighbours.
  link.addEventListener("pointerenter", () => link.parentNode.append(link));
  return link;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

customElements.define("fabriek-map", FabriekMap);
