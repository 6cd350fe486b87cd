/** The desk is wider than a phone: where one is, is in sight. */
export function showPlace() {
  const row = document.querySelector(".desk__row");
  const here = row?.querySelector("[aria-current]");
  if (here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
}
