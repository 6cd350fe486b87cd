// Builds the portal's styles, scripts, icons and fonts into src/fabriek/portal/static/portal, each with a hash in
// its name, and writes manifest.json, by which the template tag {% asset %} finds them. The result is committed, so
// that whoever runs Fabriek needs no Node.
import { context } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { europe } from "./europe.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../src/fabriek/portal/static/portal");
const watch = process.argv.includes("--watch");

const hashOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();

function write(name, text) {
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}-${hashOf(text)}${name.slice(dot)}`;
  writeFileSync(join(out, hashed), text);
  return hashed;
}

/** One SVG with a <symbol> per icon of icons.json: pages show one with <use href="…#name">. */
function sprite() {
  const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
  const symbols = names.sort().map((name) => {
    const svg = readFileSync(join(here, "node_modules/lucide-static/icons", `${name}.svg`), "utf8");
    const shapes = svg.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/\s*\n\s*/g, "");
    return (
      `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
      `stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`;
}

/** The licences of every package that a bundle has a part of, as their terms ask. */
function notices(metafile) {
  const packages = new Set(["lucide-static", "world-atlas"]);
  for (const input of Object.keys(metafile.inputs)) {
    const match = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)?.at(-1);
    if (match) packages.add(match.replace("node_modules/", ""));
  }
  packages.add("@digdir/designsystemet-css");
  return [...packages]
    .sort()
    .map((name) => {
      const folder = join(here, "node_modules", name);
      const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : "";
      return `${about.name} ${about.version} (${about.license})\n${"=".repeat(72)}\n${text}\n`;
    })
    .join("\n\n");
}

/** Only the map's data module is made, not written: Natural Earth's shapes around Europe. */
const europeModule = {
  name: "europe",
  setup(build) {
    build.onResolve({ filter: /^fabriek:europe$/ }, () => ({ path: "europe", namespace: "fabriek" }));
    build.onLoad({ filter: /.*/, namespace: "fabriek" }, () => ({
      contents: JSON.stringify(europe()),
      loader: "json",
    }));
  },
};

const finish = {
  name: "finish",
  setup(build) {
    build.onStart(() => {
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out, { recursive: true });
    });
    build.onEnd((result) => {
      if (result.errors.length) return;
      const files = {};
      for (const [path, output] of Object.entries(result.metafile.outputs)) {
        const file = basename(path);
        if (output.entryPoint) files[file.replace(/-[A-Z0-9]{8}\./, ".")] = file;
        else if (/latin-wght-normal-[A-Z0-9]{8}\.woff2$/.test(file)) files["text.woff2"] = file;
      }
      files["icons.svg"] = write("icons.svg", sprite());
      files["favicon.svg"] = write("favicon.svg", readFileSync(join(here, "src/favicon.svg"), "utf8"));
      writeFileSync(join(out, "NOTICES.txt"), notices(result.metafile));
      const sorted = Object.fromEntries(Object.entries(files).sort());
      writeFileSync(join(out, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");
      for (const [path, output] of Object.entries(result.metafile.outputs))
        console.log(`${(output.bytes / 1024).toFixed(1).padStart(8)} KiB  ${basename(path)}`);
    });
  },
};

const builder = await context({
  absWorkingDir: here,
  entryPoints: {
    "portal": "src/css/portal.css",
    "portal-script": "src/js/portal.js",
    "plots": "src/js/plots.js",
    "map": "src/js/map.js",
  },
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  minify: !watch,
  legalComments: "none",
  metafile: true,
  target: ["chrome111", "firefox115", "safari16.4"],
  loader: { ".woff2": "file", ".svg": "file" },
  plugins: [europeModule, finish],
  logLevel: "warning",
});
if (watch) await builder.watch();
else {
  await builder.rebuild();
  await builder.dispose();
}
