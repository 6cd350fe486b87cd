// Natural Earth's countries (world-atlas, 1:50m) around Europe as a small topology: only the arcs that are used.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature } from "topojson-client";

const BOX = { west: -32, south: 26, east: 52, north: 74 };

/** A TopoJSON topology with one object, `countries`; each geometry keeps its name. */
export function europe() {
  const path = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
  const world = JSON.parse(readFileSync(path, "utf8"));
  const kept = [];
  for (const geometry of world.objects.countries.geometries) {
    if (!geometry.arcs) continue;
    const polygons = geometry.type === "Polygon" ? [geometry.arcs] : geometry.arcs;
    const near = polygons.filter((arcs) => touches(world, arcs));
    if (near.length) kept.push({ type: "MultiPolygon", arcs: near, properties: geometry.properties });
  }
  const used = new Map();
  const renumber = (arc) => {
    const plain = arc < 0 ? ~arc : arc;
    if (!used.has(plain)) used.set(plain, used.size);
    return arc < 0 ? ~used.get(plain) : used.get(plain);
  };
  for (const geometry of kept) geometry.arcs = geometry.arcs.map((rings) => rings.map((ring) => ring.map(renumber)));
  const arcs = [...used.keys()].map((plain) => world.arcs[plain]);
  return {
    type: "Topology",
    transform: world.transform,
    arcs,
    objects: { countries: { type: "GeometryCollection", geometries: kept } },
  };
}

function touches(world, arcs) {
  const shape = feature(world, { type: "Polygon", arcs });
  return shape.geometry.coordinates[0].some(
    ([lon, lat]) => lon > BOX.west && lon < BOX.east && lat > BOX.south && lat < BOX.north,
  );
}
