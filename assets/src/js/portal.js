// Every page's script: htmx under a strict policy, times in the reader's zone, counters, dialogs.
// Without it each page still works: forms post, links lead, times are in UTC.
import htmx from "htmx.org";
import { localiseTimes } from "./times.js";
import { countCharacters } from "./counters.js";
import { openDialogs } from "./dialogs.js";
import { showSaving } from "./saving.js";
import { submitOnce } from "./sending.js";
import { showPlace } from "./desk.js";
import { followOutput } from "./following.js";
import { fillFromFiles } from "./filling.js";
import { askWhatApplies } from "./asking.js";
import { addSliders } from "./sliders.js";
import "./live.js";

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
  // Saving that was refused says why in the page, and is an error still.
  { code: "409", swap: true, error: true },
  { code: "401", swap: true, error: true },
  { code: "[45]..", swap: false, error: true },
];

document.addEventListener("htmx:configRequest", (event) => {
  refreshTokens();
  const token = document.querySelector('input[name="csrfmiddlewaretoken"]');
  if (!token) return;
  event.detail.headers["X-CSRFToken"] = token.value;
  if (event.detail.verb !== "get") event.detail.parameters.csrfmiddlewaretoken = token.value;
});
document.addEventListener("submit", refreshTokens, true);

/** Signing in again in another window changes the token: what is still open here goes on with the new one. */
function refreshTokens() {
  const now = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (!now) return;
  for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = now;
}

document.addEventListener("htmx:sendError", () => announce("lost"));
document.addEventListener("htmx:responseError", (event) => announce(event.detail.xhr.status === 401 ? "signedout" : "refused"));

/** Says in the page's own words (data attributes of the live region) that a request came to nothing. */
function announce(what) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = region.dataset[what] ?? "";
}

submitOnce();
showPlace();
askWhatApplies();

htmx.onLoad((root) => {
  localiseTimes(root);
  countCharacters(root);
  openDialogs(root);
  showSaving(root);
  followOutput(root);
  fillFromFiles(root);
  addSliders(root);
});

// After a form with errors the summary has the reader's attention.
document.querySelector(".error-summary")?.focus();
