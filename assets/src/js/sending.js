/**
 * A form that is on its way: its button says so and does nothing more until the answer is there. Forms that htmx sends
 * have their own line of progress; a download leaves the page as it is, so a form is free again after a while.
 */
export function submitOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sending) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(() => free(form), 20_000);
  });
  // Going back shows the page as it was left: its forms can be sent again.
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach(free));
}

function free(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}
