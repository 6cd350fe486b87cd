const known = new WeakSet();

/** A link with data-dialog opens that <dialog> in place of going to its page of confirmation. */
export function openDialogs(root) {
  for (const opener of root.querySelectorAll("[data-dialog]")) {
    if (known.has(opener)) continue;
    known.add(opener);
    opener.addEventListener("click", (event) => {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (!dialog?.showModal) return;
      event.preventDefault();
      dialog.showModal();
    });
  }
  for (const closer of root.querySelectorAll("[data-close]")) {
    if (known.has(closer)) continue;
    known.add(closer);
    closer.addEventListener("click", () => closer.closest("dialog")?.close());
  }
}
