/**
 * Output that grows at its end ([data-grows]): the last line stays in sight while its tick box says so, which goes off
 * when the reader scrolls up to read, and on again at the end. What is far above goes, so that no page grows for ever.
 * Output that is whole ([data-ended]) opens at its end, where it says how it went.
 */
const MOST = 1_000_000;

export function followOutput(root) {
  for (const output of root.querySelectorAll("[data-ended]")) output.scrollTop = output.scrollHeight;
  for (const output of root.querySelectorAll("[data-grows]")) {
    const follow = document.getElementById(output.dataset.grows);
    if (!follow || output.dataset.growing) continue;
    output.dataset.growing = "yes";
    follow.closest("[hidden]")?.removeAttribute("hidden");
    const atEnd = () => output.scrollHeight - output.scrollTop - output.clientHeight < 24;
    const toEnd = () => (output.scrollTop = output.scrollHeight);
    follow.addEventListener("change", () => follow.checked && toEnd());
    output.addEventListener("scroll", () => (follow.checked = atEnd()));
    new MutationObserver(() => {
      while (output.childNodes.length > 1 && output.textContent.length > MOST) output.firstChild.remove();
      if (follow.checked) toEnd();
    }).observe(output, { childList: true });
    if (follow.checked) toEnd();
  }
}
