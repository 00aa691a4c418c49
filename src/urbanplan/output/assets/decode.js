"use strict";
// Undoes publish/html/pack.py: base64, gzip, differences of whole coordinates, columns.
async function urbanplanUnpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const data = JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
  const TYPES = ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"], DEPTH = [0, 1, 1, 2, 2, 3];
  // A name of the data must not mean what every object has by itself, such as "constructor".
  const bare = (v) => (Array.isArray(v) ? v.map(bare) : v && typeof v === "object" ? Object.assign(Object.create(null), Object.fromEntries(Object.entries(v).map(([k, w]) => [k, bare(w)]))) : v);
  for (const key of Object.keys(data)) if (key !== "layers") data[key] = bare(data[key]);
  for (const layer of data.layers) {
    layer.units = bare(layer.units);
    const { shapes, columns, values, decimals } = layer;
    const scale = 10 ** decimals;
    let at = 0, x = 0, y = 0;
    const read = (depth) => (depth ? Array.from({ length: shapes[at++] }, () => read(depth - 1)) : [(x += shapes[at++]) / scale, (y += shapes[at++]) / scale]);
    layer.features = [];
    while (at < shapes.length) {
      const i = layer.features.length, type = shapes[at++];
      layer.features.push({ type: "Feature", properties: Object.fromEntries(columns.map((c, k) => [c, values[k][i]])), geometry: { type: TYPES[type], coordinates: read(DEPTH[type]) } });
    }
    delete layer.shapes;
    delete layer.values;
  }
  return data;
}
