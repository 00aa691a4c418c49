"use strict";
// Shapes, their styles and cards, and labels that keep out of each other's way.
function urbanplanDraw(ui) {
  const { map, groups, data, el, svg, t } = ui;
  const { roads } = data;
  Object.assign(ui, { hatch, card, shapes: Object.create(null), placeLabels, limitBands, swatch, value });

  // Modelled surfaces are hatched: one pattern per colour.
  function hatch(color) {
    const id = "hatch-" + color.slice(1);
    if (!document.getElementById(id)) {
      const pattern = svg("pattern", { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
      pattern.append(svg("rect", { width: 7, height: 7, fill: color, "fill-opacity": 0.38 }));
      pattern.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 7, stroke: color, "stroke-width": 2, "stroke-opacity": 0.75 }));
      document.querySelector("#patterns defs").append(pattern);
    }
    return "url(#" + id + ")";
  }
  // Frames may be coloured by a column: figures up to a bound, or values by name.
  function shadeOf(layer, p) {
    const s = layer.shade, v = s ? p[s.column] : null;
    if (!s) return layer.color;
    const k = v === null || v === undefined ? -1 : s.figures ? s.keys.findIndex((bound) => v <= bound) : s.keys.indexOf(v);
    return k < 0 ? s.none : s.colors[k];
  }
  function style(layer, p) {
    const color = layer.role === "band" || layer.role === "after" ? data.ramp[p.minutes] : shadeOf(layer, p);
    const dash = p.quality === "schematic" ? "6 4" : p.quality === "modelled" ? "1 4" : null;
    const planned = p.status === "planned" || p.status === "announced";
    if (layer.role === "change") return { stroke: false, fill: true, fillColor: color, fillOpacity: 0.75 };
    if (layer.role === "conflict") return { color, weight: 1.8, opacity: 1, dashArray: p.within_accuracy ? "4 3" : null, fill: true, fillColor: color, fillOpacity: 0.35 };
    if (layer.role === "band" || layer.role === "after" || layer.role === "gap") return { stroke: true, color, weight: 0.8, opacity: 0.9, fill: true, fillColor: hatch(color), fillOpacity: 0.62 };
    if (layer.geometry === "line") return { color: (layer.role === "road" && roads[p.class] && roads[p.class].color) || color, weight: (roads[p.class] ? roads[p.class].width_px : 2.2) + (layer.role === "crossing" ? 1.4 : 0), opacity: planned ? 0.65 : 0.95, dashArray: planned ? "2 6" : dash, fill: false, lineCap: planned ? "round" : "butt" };
    const open = data.fill[layer.id];
    const base = { color, weight: layer.id === "districts" ? 1.8 : 1.2, dashArray: dash, fillColor: color, fillOpacity: open !== undefined ? open : planned ? 0.12 : 0.4 };
    if (p.quality === "modelled") return { ...base, fillColor: hatch(color), fillOpacity: 0.5 };
    return layer.id === "water" ? { ...base, weight: 0.5 } : base;
  }
  function marker(layer, p, at) {
    const planned = p.status === "planned" || p.status === "announced", color = shadeOf(layer, p), loose = p.quality === "schematic" || p.quality === "modelled";
    // A white dashed ring looks solid on a map: what is loosely placed gets a ring of its own colour and a paler fill.
    return L.circleMarker(at, { radius: layer.role === "facility" ? 7 : layer.role === "frame" ? 5.5 : 4.5, color: planned || loose ? color : "#fff", weight: 2, dashArray: loose ? "3 2.5" : null, fillColor: planned ? "#fff" : color, fillOpacity: planned || !loose ? 0.95 : 0.6 });
  }

  function value(v, unit) {
    const text = typeof v === "number" ? (Math.abs(v) >= 10000 ? v.toLocaleString("en") : Math.round(v * 100) / 100) : v;
    return text + (unit ? " " + unit : "");
  }
  function card(layer, p) {
    const box = el("div", null, "card");
    const first = ui.either(p.name_zh, p.name_en, "name"), second = ui.lang === "en" ? p.name_zh : p.name_en;
    box.append(el("h2", first || ui.name(layer)));
    if (second && second !== first) box.append(el("p", second));
    if (p.status) box.append(el("span", t(p.status), "mark"));
    if (p.quality) box.append(el("span", t(p.quality), "mark " + p.quality));
    const list = el("dl");
    const put = (name, text) => {
      if (text === null || text === undefined || text === "") return;
      list.append(el("dt", name), el("dd", String(text)));
    };
    put(t("layer"), ui.name(layer));
    put(t("accuracy"), p.accuracy_m ? "± " + p.accuracy_m + " m" : null);
    put(t("district"), p.district);
    put(t("serves"), ui.listed(ui.tasksOf(layer.id, p.id)));
    for (const [name, unit] of Object.entries(layer.units)) if (typeof p[name] !== "boolean") put(ui.field(name), p[name] === null || p[name] === undefined ? null : value(p[name], unit));
    put(t("remark"), ui.either(p.note_zh, p.note_en, "note"));
    // Whatever came in as a layer must say where it is from, or that nobody said so.
    put(t("source"), p.source || (layer.role === "frame" ? t("unstated") : null));
    put(t("licence"), p.licence);
    put(t("asOf"), p.as_of);
    box.append(list);
    return box;
  }

  // Bands lie under lines, lines under points.
  const ORDER = { frame: 430, zone: 410, population: 411, boundary: 409, barrier: 415, band: 420, after: 421, gap: 422, change: 423, conflict: 456, context: 430, road: 440, crossing: 445, facility: 460 };
  const labels = [];
  const pane = (layer) => {
    const z = layer.geometry === "point" ? 460 : layer.geometry === "line" ? ORDER[layer.role] + 10 : ORDER[layer.role] || 430;
    const name = "z" + z;
    if (!map.getPane(name)) map.createPane(name).style.zIndex = z;
    return name;
  };
  // As single shapes, more than this many of the page's features make it slow to move.
  const MANY = 1500;
  const large = (layer) => layer.features.length > MANY && !layer.id.startsWith("bands:");
  const plainLook = ({ color, weight, opacity, dashArray, fill, fillColor, fillOpacity, lineCap }) => ({ color, weight, opacity, dashArray, fill, fillColor, fillOpacity, lineCap });
  // Canvases hear no clicks of their own: whatever hears one asks first what is painted there, topmost first.
  const painted = [];
  let clicked = null;
  map.getContainer().addEventListener("click", (event) => { clicked = map.mouseEventToLatLng(event); }, true);
  function paintedCard(above) {
    for (const one of [...painted].reverse().sort((a, b) => b.z - a.z)) {
      const i = clicked && one.z > above && map.hasLayer(groups[one.layer.id]) ? one.hit(clicked) : -1;
      if (i >= 0) return card(one.layer, one.layer.features[i].properties);
    }
    return null;
  }
  map.on("click", (event) => {
    const box = paintedCard(0);
    if (box) L.popup({ maxWidth: 340, minWidth: 220 }).setLatLng(event.latlng).setContent(box).openOn(map);
  });
  const renderers = {};
  for (const layer of data.layers) {
    const name = pane(layer);
    if (large(layer)) {
      const look = (p) => (layer.geometry === "point" ? marker(layer, p, [0, 0]).options : style(layer, p));
      const { shapes, hit } = urbanplanTiles(ui, layer, (p) => plainLook(look(p)), layer.geometry === "point" ? marker(layer, {}, [0, 0]).options.radius : 0, name);
      ui.shapes[layer.id] = shapes;
      painted.push({ layer, hit, z: Number(name.slice(1)) });
      continue;
    }
    const renderer = (renderers[name] = renderers[name] || L.svg({ pane: name, padding: 0.6 }));
    const geo = L.geoJSON({ type: "FeatureCollection", features: layer.features }, {
      pane: name,
      renderer,
      // Leaflet would lay this over the points' own style too.
      style: layer.geometry === "point" ? undefined : (f) => style(layer, f.properties),
      pointToLayer: (f, at) => marker(layer, f.properties, at),
    });
    const own = (ui.shapes[layer.id] = []);
    geo.eachLayer((shape) => {
      shape.options.pane = name;
      const p = shape.feature.properties;
      shape.bindPopup(() => paintedCard(Number(name.slice(1))) || card(layer, p), { maxWidth: 340, minWidth: 220 });
      if (layer.label !== null && (p.name_zh || p.name_en) && !String(p.name_zh).endsWith("（未命名）")) labels.push({ zoom: layer.label, layer, p, at: shape.getLatLng ? shape.getLatLng() : middle(shape), rank: layer.id === "districts" ? 0 : layer.id === "water" ? 1 : 2 });
      groups[layer.id].addLayer(shape);
      own.push(shape);
    });
  }
  labels.sort((a, b) => a.rank - b.rank);
  function middle(shape) {
    // Several points as one feature: the label stands at the first.
    if (!shape.getLatLngs) return shape.getLayers()[0].getLatLng();
    if (!(shape instanceof L.Polygon)) {
      const flat = shape.getLatLngs().flat(2);
      return flat[Math.floor(flat.length / 2)].lat && flat.length > 2 ? flat[Math.floor(flat.length / 2)] : shape.getBounds().getCenter();
    }
    // A long river's centre may lie on land: the vertex nearest to it does not.
    const centre = shape.getBounds().getCenter();
    if (!shape.feature.properties.river) return within(shape.getLatLngs(), centre);
    return shape.getLatLngs().flat(3).reduce((a, b) => (a.distanceTo(centre) < b.distanceTo(centre) ? a : b));
  }
  function within(rings, centre) {
    // The centre of a bay or a ring lies on the land: then the widest stretch at its height is the place.
    const west = [], y = centre.lat;
    for (const ring of Array.isArray(rings[0][0]) ? rings.flat() : rings) {
      ring.forEach((b, i) => {
        const a = ring[(i || ring.length) - 1];
        if (a.lat > y !== b.lat > y) west.push(a.lng + ((y - a.lat) / (b.lat - a.lat)) * (b.lng - a.lng));
      });
    }
    west.sort((a, b) => a - b);
    let best = centre, width = 0;
    for (let i = 0; i + 1 < west.length; i += 2) {
      if (west[i] <= centre.lng && centre.lng <= west[i + 1]) return centre;
      if (west[i + 1] - west[i] > width) [best, width] = [L.latLng(y, (west[i] + west[i + 1]) / 2), west[i + 1] - west[i]];
    }
    return best;
  }
  let tips = [];
  function placeLabels() {
    const taken = [];
    for (const tip of tips) map.removeLayer(tip);
    tips = [];
    const view = map.getBounds(), edge = map.getContainer().getBoundingClientRect();
    for (const l of labels) {
      if (map.getZoom() < l.zoom || !map.hasLayer(groups[l.layer.id]) || !view.contains(l.at)) continue;
      const point = l.layer.geometry === "point", name = ui.either(l.p.name_zh, l.p.name_en, "name");
      if (!name) continue;
      const tip = L.tooltip({ permanent: true, direction: point ? "right" : "center", offset: point ? [8, 0] : [0, 0], className: "label " + l.layer.id, content: el("span", name), interactive: false }).setLatLng(l.at).addTo(map);
      const box = tip.getElement().getBoundingClientRect();
      // A name that the edge of the map would cut is none.
      const cut = box.left < edge.left || box.right > edge.right || box.top < edge.top || box.bottom > edge.bottom;
      if (cut || taken.some((b) => box.left < b.right && box.right > b.left && box.top < b.bottom && box.bottom > b.top)) map.removeLayer(tip);
      else {
        taken.push(box);
        tips.push(tip);
      }
    }
  }
  // Of the bands that are shown, those beyond the chosen limit are put aside.
  function limitBands(minutes) {
    for (const layer of data.layers) {
      if (!layer.id.startsWith("bands:")) continue;
      // Farthest first, so that nearer ones lie on top.
      for (const shape of ui.shapes[layer.id]) groups[layer.id].removeLayer(shape);
      for (const shape of ui.shapes[layer.id]) if (Number(shape.feature.properties.minutes) <= Number(minutes)) groups[layer.id].addLayer(shape);
    }
  }
  function swatch(layer) {
    const box = svg("svg", { width: 22, height: 14, class: "swatch", "aria-hidden": "true" });
    if (layer.geometry === "point") box.append(svg("circle", { cx: 11, cy: 7, r: 5, fill: layer.color, stroke: "#fff" }));
    else if (layer.geometry === "line") box.append(svg("line", { x1: 1, y1: 7, x2: 21, y2: 7, stroke: layer.color, "stroke-width": 3 }));
    else box.append(svg("rect", { x: 1, y: 1, width: 20, height: 12, fill: ["band", "after", "gap"].includes(layer.role) ? hatch(layer.color) : layer.color, "fill-opacity": 0.4, stroke: layer.color }));
    return box;
  }
}
