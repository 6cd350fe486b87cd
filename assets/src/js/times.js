import { language } from "./language.js";

const styles = {
  datetime: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
  date: { day: "numeric", month: "short", year: "numeric" },
  seconds: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
};

/** <time data-when="datetime"> comes in UTC; here it becomes the reader's own zone, the zone is told on hover. */
export function localiseTimes(root) {
  for (const time of root.querySelectorAll("time[data-when]")) {
    const moment = new Date(time.dateTime);
    const style = styles[time.dataset.when];
    if (!style || Number.isNaN(moment.getTime())) continue;
    time.title = `${time.textContent.trim()} · ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    time.textContent = new Intl.DateTimeFormat(language, style).format(moment);
    delete time.dataset.when;
  }
}
