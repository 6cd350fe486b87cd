/** The page's language for Intl; English is Europe's: day before month, 24 hours. */
const page = document.documentElement.lang || "en";
export const language = page === "en" ? "en-IE" : page;
