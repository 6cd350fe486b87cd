const language = document.documentElement.lang || undefined;

const styles = {
  datetime: { dateStyle: "medium", timeStyle: "short" },
  date: { dateStyle: "medium" },
  time: { timeStyle: "short" },
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
