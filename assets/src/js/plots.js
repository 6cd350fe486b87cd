// <fabriek-plot> draws the JSON in its <script type="application/json">; the page has the same data as a table.
import { kinds } from "./kinds.js";

class FabriekPlot extends HTMLElement {
  connectedCallback() {
    const data = this.querySelector('script[type="application/json"]');
    if (!data || this.figure) return;
    this.figure = JSON.parse(data.textContent);
    this.canvas = document.createElement("div");
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
    const { svg, legend } = kinds[this.figure.kind](this.figure, width);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", this.figure.title);
    this.canvas.replaceChildren(...(legend ? [legend, svg] : [svg]));
  }
}

customElements.define("fabriek-plot", FabriekPlot);
