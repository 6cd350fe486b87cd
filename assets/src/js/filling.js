/** A file that is chosen ([data-fills]) stands in the text field at once, to be read and changed before it is sent. */
export function fillFromFiles(root) {
  for (const field of root.querySelectorAll("input[type=file][data-fills]")) {
    const target = document.getElementById(field.dataset.fills);
    if (!target || field.dataset.filling) continue;
    field.dataset.filling = "yes";
    field.addEventListener("change", async () => {
      const file = field.files[0];
      // What is too large or no text is for the server to say.
      if (!file || file.size > 200_000) return;
      const text = await file.text();
      if (text.includes("\uFFFD") || text.includes("\0")) return;
      target.value = text;
      field.value = "";
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.focus();
    });
  }
}
