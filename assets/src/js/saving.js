/** A draft that saves itself: an element with data-saved shows "saving", "saved", or that it wasn't. */
export function showSaving(root) {
  for (const line of root.querySelectorAll("[data-saved]")) {
    const form = line.closest("form");
    if (!form || form.dataset.saving) continue;
    form.dataset.saving = "yes";
    form.addEventListener("htmx:beforeRequest", () => (line.textContent = line.dataset.saving));
    form.addEventListener("htmx:afterRequest", (event) => {
      line.textContent = event.detail.successful ? line.dataset.saved : line.dataset.unsaved;
    });
  }
}
