// A slider beside a number that has one (data-slider): the number is the form's field, the slider only another hand on
// it. Without this script the number is there alone.

/** Puts a slider before every such number of a page, or of a part of it. */
export function addSliders(root) {
  for (const number of root.querySelectorAll("input[data-slider]")) {
    if (number.dataset.slider) continue;
    number.dataset.slider = "added";
    const place = number.closest(".affix") ?? number;
    const slider = document.createElement("input");
    slider.type = "range";
    slider.className = "slider__range";
    for (const name of ["min", "max", "step"]) slider[name] = number[name];
    slider.setAttribute("aria-label", number.labels[0]?.textContent.trim() ?? "");
    slider.value = number.value || 0;
    slider.addEventListener("input", () => {
      number.value = slider.value;
      number.dispatchEvent(new Event("input", { bubbles: true }));
    });
    number.addEventListener("input", () => {
      slider.value = number.value || 0;
    });
    place.before(slider);
  }
}
