"use strict";
// Large layers are painted tile by tile on canvases: only what lies in a tile is touched, and moving the map paints only new tiles.
function urbanplanTiles(ui, layer, style, radius, pane) {
  const { map, groups } = ui;
  const features = layer.features, count = features.length;
  const boxes = new Float64Array(4 * count), parts = new Array(count), look = new Uint16Array(count);
  const looks = [], seen = new Map();
  // Web Mercator at zoom 0: a world of 256 pixels.
  const project = ([lng, lat]) => { const s = Math.sin((lat * Math.PI) / 180); return [((lng + 180) / 360) * 256, (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 256]; };
  const flat = (path) => { const out = new Float64Array(2 * path.length); path.forEach((p, k) => out.set(project(p), 2 * k)); return out; };
  // Shells one way and holes the other, so that many polygons can be filled as one path.
  function turned(ring, shell) {
    const xy = flat(ring);
    let area = 0;
    for (let k = 0; k < xy.length - 2; k += 2) area += xy[k] * xy[k + 3] - xy[k + 2] * xy[k + 1];
    return area > 0 === shell ? xy : flat([...ring].reverse());
  }
  const rings = (polygon) => polygon.map((ring, k) => turned(ring, k === 0));
  const READ = { Point: (c) => [flat([c])], MultiPoint: (c) => c.map((p) => flat([p])), LineString: (c) => [flat(c)], MultiLineString: (c) => c.map(flat), Polygon: rings, MultiPolygon: (c) => c.flatMap(rings) };
  const all = [Infinity, Infinity, -Infinity, -Infinity];
  features.forEach((f, i) => {
    parts[i] = READ[f.geometry.type](f.geometry.coordinates);
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const xy of parts[i]) for (let k = 0; k < xy.length; k += 2) { box[0] = Math.min(box[0], xy[k]); box[1] = Math.min(box[1], xy[k + 1]); box[2] = Math.max(box[2], xy[k]); box[3] = Math.max(box[3], xy[k + 1]); }
    boxes.set(box, 4 * i);
    for (const k of [0, 1]) { all[k] = Math.min(all[k], box[k]); all[k + 2] = Math.max(all[k + 2], box[k + 2]); }
    const own = style(f.properties), key = JSON.stringify(own);
    if (!seen.has(key)) { seen.set(key, looks.length); looks.push(own); }
    look[i] = seen.get(key);
  });
  // Which features may lie where: a grid of about four features a cell.
  const side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(count / 4))));
  const wide = (all[2] - all[0]) / side || 1, high = (all[3] - all[1]) / side || 1;
  const cells = Array.from({ length: side * side }, () => []);
  const clamp = (v) => Math.max(0, Math.min(side - 1, Math.floor(v)));
  const range = (a, b, c, d) => [clamp((a - all[0]) / wide), clamp((b - all[1]) / high), clamp((c - all[0]) / wide), clamp((d - all[1]) / high)];
  for (let i = 0; i < count; i++) {
    const [a, b, c, d] = range(...boxes.subarray(4 * i, 4 * i + 4));
    for (let y = b; y <= d; y++) for (let x = a; x <= c; x++) cells[y * side + x].push(i);
  }
  function within(x0, y0, x1, y1) {
    const found = new Set();
    const [a, b, c, d] = range(x0, y0, x1, y1);
    for (let y = b; y <= d; y++) for (let x = a; x <= c; x++) for (const i of cells[y * side + x]) if (boxes[4 * i] <= x1 && boxes[4 * i + 2] >= x0 && boxes[4 * i + 1] <= y1 && boxes[4 * i + 3] >= y0) found.add(i);
    return [...found].sort((p, q) => p - q);
  }

  const hatches = new Map();
  function paintOf(ctx, fill) {
    if (!fill || !fill.startsWith("url(#hatch-")) return fill;
    if (!hatches.has(fill)) {
      // Eight pixels divide a tile, so stripes go on from one to the next.
      const tile = document.createElement("canvas"), color = "#" + fill.slice(11, -1);
      tile.width = tile.height = 8;
      const pen = tile.getContext("2d");
      Object.assign(pen, { fillStyle: color, strokeStyle: color, globalAlpha: 0.38, lineWidth: 1.5 });
      pen.fillRect(0, 0, 8, 8);
      pen.globalAlpha = 0.75;
      pen.beginPath();
      for (const k of [-8, 0, 8]) { pen.moveTo(k - 2, 10); pen.lineTo(k + 10, -2); }
      pen.stroke();
      hatches.set(fill, tile);
    }
    return ctx.createPattern(hatches.get(fill), "repeat");
  }
  function trace(ctx, i, scale, left, top) {
    for (const xy of parts[i]) {
      let x = xy[0] * scale - left, y = xy[1] * scale - top;
      ctx.moveTo(x, y);
      const last = xy.length - 2;
      for (let k = 2; k <= last; k += 2) {
        const u = xy[k] * scale - left, v = xy[k + 1] * scale - top;
        // What is less than half a pixel away cannot be seen.
        if (k < last && Math.abs(u - x) + Math.abs(v - y) < 0.5) continue;
        ctx.lineTo((x = u), (y = v));
      }
      if (layer.geometry === "polygon") ctx.closePath();
    }
  }
  function paint(ctx, coords) {
    const scale = 2 ** coords.z, left = coords.x * 256, top = coords.y * 256, edge = 8 + (radius || 0);
    const groupsOf = new Map();
    for (const i of within((left - edge) / scale, (top - edge) / scale, (left + 256 + edge) / scale, (top + 256 + edge) / scale)) {
      if (!groupsOf.has(look[i])) groupsOf.set(look[i], []);
      groupsOf.get(look[i]).push(i);
    }
    for (const [which, members] of groupsOf) {
      const s = looks[which];
      ctx.beginPath();
      for (const i of members) {
        const small = layer.geometry === "polygon" && (boxes[4 * i + 2] - boxes[4 * i]) * scale < 1 && (boxes[4 * i + 3] - boxes[4 * i + 1]) * scale < 1;
        if (layer.geometry === "point") for (const xy of parts[i]) { const x = xy[0] * scale - left, y = xy[1] * scale - top; ctx.moveTo(x + radius, y); ctx.arc(x, y, radius, 0, 7); }
        // However small, every feature leaves a dot.
        else if (small) ctx.rect(boxes[4 * i] * scale - left, boxes[4 * i + 1] * scale - top, 1, 1);
        else trace(ctx, i, scale, left, top);
      }
      if (s.fill !== false) { ctx.globalAlpha = s.fillOpacity ?? 0.4; ctx.fillStyle = paintOf(ctx, s.fillColor || s.color); ctx.fill(); }
      ctx.globalAlpha = s.opacity ?? 1;
      Object.assign(ctx, { strokeStyle: s.color, lineWidth: s.weight, lineCap: s.lineCap || "butt" });
      ctx.setLineDash(s.dashArray ? s.dashArray.split(" ").map(Number) : []);
      if (s.weight) ctx.stroke();
    }
  }
  const Painted = L.GridLayer.extend({
    createTile(coords) {
      const tile = document.createElement("canvas"), ratio = Math.min(2, window.devicePixelRatio || 1);
      tile.width = tile.height = 256 * ratio;
      const ctx = tile.getContext("2d");
      ctx.scale(ratio, ratio);
      paint(ctx, coords);
      return tile;
    },
  });

  function hit(at) {
    const [x, y] = project([at.lng, at.lat]), reach = (radius || 6) / 2 ** map.getZoom();
    for (const i of within(x - reach, y - reach, x + reach, y + reach).reverse()) {
      let inside = false, near = Infinity;
      for (const xy of parts[i]) {
        near = Math.min(near, Math.hypot(xy[0] - x, xy[1] - y));
        for (let k = 0; k < xy.length - 2; k += 2) {
          const [a, b, c, d] = xy.subarray(k, k + 4);
          if (layer.geometry === "polygon" && b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) inside = !inside;
          const t = Math.max(0, Math.min(1, ((x - a) * (c - a) + (y - b) * (d - b)) / ((c - a) ** 2 + (d - b) ** 2 || 1)));
          near = Math.min(near, Math.hypot(a + t * (c - a) - x, b + t * (d - b) - y));
        }
      }
      // What is too small to be hit exactly may be missed by a few pixels.
      const small = boxes[4 * i + 2] - boxes[4 * i] < reach && boxes[4 * i + 3] - boxes[4 * i + 1] < reach;
      if (inside || ((small || layer.geometry !== "polygon") && near <= reach)) return i;
    }
    return -1;
  }
  groups[layer.id].addLayer(new Painted({ pane, maxZoom: 24 }));
  // What the tables and the search need to know of a feature's place.
  const back = (x, y) => [(Math.atan(Math.sinh(Math.PI * (1 - y / 128))) * 180) / Math.PI, (x / 256) * 360 - 180];
  const shapes = features.map((feature, i) => ({ feature, getBounds: () => L.latLngBounds([back(boxes[4 * i], boxes[4 * i + 3]), back(boxes[4 * i + 2], boxes[4 * i + 1])]) }));
  return { shapes, hit };
}
