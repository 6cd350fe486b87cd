/** A textarea with a limit says how much of it is left; a screen reader hears it after a pause, not at each letter. */
export function countCharacters(root) {
  for (const area of root.querySelectorAll("[data-count]")) {
    const line = document.getElementById(area.dataset.count);
    if (!line || area.dataset.counting) continue;
    area.dataset.counting = "yes";
    const limit = Number(line.dataset.limit);
    const seen = line.querySelector("[data-seen]");
    const heard = line.querySelector("[data-heard]");
    let pause;
    const update = () => {
      const left = limit - area.value.length;
      const text = (left >= 0 ? line.dataset.left : line.dataset.over).replace("%s", Math.abs(left));
      line.toggleAttribute("data-over-limit", left < 0);
      seen.textContent = text;
      clearTimeout(pause);
      pause = setTimeout(() => (heard.textContent = text), 1000);
    };
    area.addEventListener("input", update);
    update();
  }
}
