/**
 * Parts of a page that load themselves again (hx-swap="morph"): what is there already stays the same element, so that
 * focus, scroll, what is opened and what is ticked stay with the reader.
 */
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

const config = {
  morphStyle: "outerHTML",
  callbacks: {
    // What comes by its own way (a job's output) is left alone.
    beforeNodeMorphed: (node) => !node.dataset || node.dataset.kept === undefined,
    // What the reader ticked or opened is theirs.
    beforeAttributeUpdated: (name) => name !== "checked" && name !== "open",
  },
};

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) =>
    style === "morph" ? Idiomorph.morph(target, fragment.children, config) : false,
});
