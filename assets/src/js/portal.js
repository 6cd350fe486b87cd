// Every page's script: htmx under a strict policy, times in the reader's zone, counters, dialogs.
// Without it each page still works: forms post, links lead, times are in UTC.
import htmx from "htmx.org";
import { localiseTimes } from "./times.js";
import { countCharacters } from "./counters.js";
import { openDialogs } from "./dialogs.js";
import { showSaving } from "./saving.js";

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
// A form that comes back with its errors (422) is shown, as a success is.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "422", swap: true },
  { code: "[45]..", swap: false, error: true },
];

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('input[name="csrfmiddlewaretoken"]');
  if (token) event.detail.headers["X-CSRFToken"] = token.value;
});

document.addEventListener("htmx:sendError", () => announce("lost"));
document.addEventListener("htmx:responseError", () => announce("refused"));

/** Says in the page's own words (data attributes of the live region) that a request came to nothing. */
function announce(what) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = region.dataset[what] ?? "";
}

htmx.onLoad((root) => {
  localiseTimes(root);
  countCharacters(root);
  openDialogs(root);
  showSaving(root);
});

// After a form with errors the summary has the reader's attention.
document.querySelector(".error-summary")?.focus();
