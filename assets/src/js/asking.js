// Questions that are asked only where another one has a certain answer: data-only-if="text=own" within a form with
// data-asks. Without this script all of them are asked, and what doesn't apply is passed over.

/** Shows and hides the questions of a form by its answers. */
function arrange(form) {
  const answers = new FormData(form);
  for (const question of form.querySelectorAll("[data-only-if]")) {
    const wanted = question.dataset.onlyIf.split(" ").map((pair) => pair.split("="));
    question.hidden = !wanted.every(([name, value]) => answers.get(name) === value);
  }
}

/** Keeps every such form arranged. */
export function askWhatApplies() {
  for (const form of document.querySelectorAll("form[data-asks]")) {
    arrange(form);
    form.addEventListener("change", () => arrange(form));
  }
}
