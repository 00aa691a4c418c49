"use strict";
// Fills folium's map from the JSON block. Every text from the data goes through textContent.
function urbanplanAtlas(map, groups) {
  const data = JSON.parse(document.getElementById("atlas-data").textContent);
  const QUALITY = { surveyed: "实测 surveyed", derived: "推导 derived", schematic: "示意 schematic", modelled: "推算 modelled" };
  const STATUS = { existing: "现状 existing", planned: "规划 planned", announced: "拟议 announced" };
  const ROAD = { expressway: "#c8741f", trunk: "#b23a2a", primary: "#c08a55", secondary: "#b9a893" };
  const WIDTH = { expressway: 2.6, trunk: 3, primary: 2, secondary: 1.2 };
  const byId = (id) => document.getElementById(id);
  const area = (name) => (name === "ALL" ? "合计" : name);

  function el(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    if (className) node.className = className;
    return node;
  }
  function svg(tag, attributes) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }
  function row(cells, header) {
    const tr = el("tr");
    cells.forEach((text, i) => {
      const cell = el(header || i === 0 ? "th" : "td", text);
      if (header || i === 0) cell.scope = header ? "col" : "row";
      tr.append(cell);
    });
    return tr;
  }

  // Modelled surfaces are hatched: one pattern per colour.
  function hatch(color) {
    const id = "hatch-" + color.slice(1);
    if (!byId(id)) {
      const pattern = svg("pattern", { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
      pattern.append(svg("rect", { width: 7, height: 7, fill: color, "fill-opacity": 0.38 }));
      pattern.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 7, stroke: color, "stroke-width": 2, "stroke-opacity": 0.75 }));
      document.querySelector("#patterns defs").append(pattern);
    }
    return "url(#" + id + ")";
  }

  function style(layer, p) {
    const color = layer.role === "band" ? data.ramp[p.minutes] : layer.color;
    const dash = { schematic: "6 4", modelled: "1 4" }[p.quality] || null;
    const planned = p.status === "planned" || p.status === "announced";
    if (layer.role === "band") return { stroke: true, color, weight: 0.8, opacity: 0.9, fill: true, fillColor: hatch(color), fillOpacity: 0.62 };
    if (layer.geometry === "line") return { color: (layer.role === "road" && ROAD[p.class]) || color, weight: (WIDTH[p.class] || 2.2) + (layer.role === "crossing" ? 1.4 : 0), opacity: planned ? 0.65 : 0.95, dashArray: planned ? "2 6" : dash, fill: false, lineCap: planned ? "round" : "butt" };
    const open = { districts: 0.02, study_area: 0, water: 0.75, built_up: 0.28 }[layer.id];
    const base = { color, weight: layer.id === "districts" ? 1.8 : 1.2, dashArray: dash, fillColor: color, fillOpacity: open !== undefined ? open : planned ? 0.12 : 0.4 };
    if (p.quality === "modelled") return { ...base, fillColor: hatch(color), fillOpacity: 0.5 };
    return layer.id === "water" ? { ...base, weight: 0.5 } : base;
  }
  function marker(layer, p, at) {
    const planned = p.status !== "existing", loose = p.quality === "schematic" || p.quality === "modelled";
    // A white dashed ring looks solid on a map: what is loosely placed gets a ring of its own colour and a paler fill.
    return L.circleMarker(at, { radius: layer.role === "facility" ? 7 : 4.5, color: planned || loose ? layer.color : "#fff", weight: 2, dashArray: loose ? "3 2.5" : null, fillColor: planned ? "#fff" : layer.color, fillOpacity: planned || !loose ? 0.95 : 0.6 });
  }

  function card(layer, p) {
    const box = el("div", null, "card");
    box.append(el("h2", p.name_zh || layer.zh));
    if (p.name_en) box.append(el("p", p.name_en));
    if (p.status) box.append(el("span", STATUS[p.status] || p.status, "mark"));
    if (p.quality) box.append(el("span", QUALITY[p.quality] || p.quality, "mark " + p.quality));
    const list = el("dl");
    const put = (name, value) => {
      if (value === null || value === undefined || value === "") return;
      list.append(el("dt", name), el("dd", String(value)));
    };
    put("图层", layer.zh + " / " + layer.en);
    put("精度", p.accuracy_m ? "± " + p.accuracy_m + " m" : null);
    put("所在区", p.district);
    for (const [name, unit] of Object.entries(layer.units)) if (typeof p[name] !== "boolean") put((data.fields[name] || {}).zh || name, p[name] === null || p[name] === undefined ? null : (typeof p[name] === "number" && Math.abs(p[name]) >= 10000 ? p[name].toLocaleString("en") : typeof p[name] === "number" ? Math.round(p[name] * 100) / 100 : p[name]) + (unit ? " " + unit : ""));
    put("说明", p.note_zh);
    put("Note", p.note_en);
    put("来源", p.source);
    put("许可", p.licence);
    put("日期", p.as_of);
    box.append(list);
    return box;
  }

  // Layers and their labels. Bands lie under lines, lines under points.
  const ORDER = { zone: 410, population: 411, boundary: 409, barrier: 415, band: 420, context: 430, road: 440, crossing: 445, facility: 460 };
  const labels = [];
  const pane = (layer) => {
    const z = layer.geometry === "point" ? 460 : layer.geometry === "line" ? ORDER[layer.role] + 10 : ORDER[layer.role] || 430;
    const name = "z" + z;
    if (!map.getPane(name)) map.createPane(name).style.zIndex = z;
    return name;
  };
  const renderers = {};
  for (const layer of data.layers) {
    const name = pane(layer);
    const renderer = (renderers[name] = renderers[name] || L.svg({ pane: name, padding: 0.6 }));
    const geo = L.geoJSON({ type: "FeatureCollection", features: layer.features }, {
      pane: name,
      renderer,
      // Leaflet would lay this over the points' own style too.
      style: layer.geometry === "point" ? undefined : (f) => style(layer, f.properties),
      pointToLayer: (f, at) => marker(layer, f.properties, at),
    });
    geo.eachLayer((shape) => {
      shape.options.pane = name;
      const p = shape.feature.properties;
      shape.bindPopup(() => card(layer, p), { maxWidth: 340, minWidth: 220 });
      if (layer.label !== null && p.name_zh && !p.name_zh.endsWith("（未命名）")) {
        const tip = L.tooltip({ permanent: true, direction: layer.geometry === "point" ? "right" : "center", offset: layer.geometry === "point" ? [8, 0] : [0, 0], className: "label " + layer.id, content: el("span", p.name_zh), interactive: false });
        const centre = shape.getLatLng ? shape.getLatLng() : middle(shape);
        labels.push({ zoom: layer.label, group: groups[layer.id], tip: tip.setLatLng(centre), rank: layer.id === "districts" ? 0 : layer.id === "water" ? 1 : 2 });
      }
      groups[layer.id].addLayer(shape);
    });
  }
  function middle(shape) {
    // Several points as one feature: the label stands at the first.
    if (!shape.getLatLngs) return shape.getLayers()[0].getLatLng();
    if (!(shape instanceof L.Polygon)) {
      const flat = shape.getLatLngs().flat(2);
      return flat[Math.floor(flat.length / 2)].lat && flat.length > 2 ? flat[Math.floor(flat.length / 2)] : shape.getBounds().getCenter();
    }
    // A long river's centre may lie on land: the vertex mean of its longest ring is nudged onto it.
    const centre = shape.getBounds().getCenter();
    return shape.feature.properties.river ? shape.getLatLngs().flat(3).reduce((a, b) => (a.distanceTo(centre) < b.distanceTo(centre) ? a : b)) : centre;
  }
  function placeLabels() {
    const taken = [];
    for (const l of labels) map.removeLayer(l.tip);
    const wanted = labels.filter((l) => map.getZoom() >= l.zoom && map.hasLayer(l.group) && map.getBounds().contains(l.tip.getLatLng()));
    for (const l of wanted.sort((a, b) => a.rank - b.rank)) {
      l.tip.addTo(map);
      const box = l.tip.getElement().getBoundingClientRect();
      const hit = taken.some((t) => box.left < t.right && box.right > t.left && box.top < t.bottom && box.bottom > t.top);
      if (hit) map.removeLayer(l.tip);
      else taken.push(box);
    }
  }

  // Layer control by chapter.
  const boxes = {};
  function show(id, on) {
    if (on) map.addLayer(groups[id]);
    else map.removeLayer(groups[id]);
    if (boxes[id]) boxes[id].checked = on;
  }
  function swatch(layer) {
    const box = svg("svg", { width: 22, height: 14, class: "swatch", "aria-hidden": "true" });
    if (layer.geometry === "point") box.append(svg("circle", { cx: 11, cy: 7, r: 5, fill: layer.color, stroke: "#fff" }));
    else if (layer.geometry === "line") box.append(svg("line", { x1: 1, y1: 7, x2: 21, y2: 7, stroke: layer.color, "stroke-width": 3 }));
    else box.append(svg("rect", { x: 1, y: 1, width: 20, height: 12, fill: layer.role === "band" ? hatch(layer.color) : layer.color, "fill-opacity": 0.4, stroke: layer.color }));
    return box;
  }
  const chapters = { ...data.chapters, results: { zh: "分析结果", en: "Results" } };
  for (const [key, names] of Object.entries(chapters)) {
    const here = data.layers.filter((layer) => layer.chapter === key && layer.features.length);
    if (!here.length) continue;
    byId("layers").append(el("div", names.zh + " " + names.en, "chapter"));
    for (const layer of here) byId("layers").append(entry(layer.id, layer.zh, layer.en, swatch(layer), layer.features.length + (layer.total > layer.features.length ? "/" + layer.total : "")));
  }
  if (groups.basemap) byId("layers").append(entry("basemap", "底图（需联网）", "Base map (needs a network)", el("span"), ""));
  function entry(id, zh, en, mark, count) {
    const label = el("label", null, "layer");
    const box = el("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { show(id, box.checked); placeLabels(); });
    boxes[id] = box;
    label.title = en;
    label.append(box, mark, el("span", zh));
    if (!id.includes(":")) label.append(el("span", en, "en"));
    label.append(el("span", count, "n"));
    return label;
  }

  // Headline, coverage, what-ifs.
  const modeName = (m) => data.modes[m].zh;
  byId("title").textContent = data.city.zh;
  byId("subtitle").textContent = data.city.en;
  byId("notice").textContent = data.notice.zh;
  byId("notice").title = data.notice.en;
  byId("headline-name").textContent = data.headline.zh + " " + data.headline.en;
  const lead = data.headline.rows.find((r) => r.mode === data.selected[1] && r.area === "ALL");
  if (lead) {
    const big = el("div", lead.share, "big");
    big.append(el("small", " "), el("span", lead.persons + " / " + lead.of + " " + data.counted + " · " + modeName(lead.mode) + data.headline.minutes + "分钟", "of"));
    byId("headline").append(big);
  }
  const heads = el("table");
  heads.id = "headline-table";
  const areas = [...new Set(data.headline.rows.map((r) => r.area))];
  const thead = el("thead");
  thead.append(row(["", ...areas.map(area)], true));
  const tbody = el("tbody");
  for (const m of Object.keys(data.modes)) tbody.append(row([modeName(m), ...areas.map((a) => (data.headline.rows.find((r) => r.mode === m && r.area === a) || {}).share)]));
  // The headline's own mode in people, so that each district's share has its weight beside it.
  const own = (a) => data.headline.rows.find((r) => r.mode === data.selected[1] && r.area === a) || {};
  tbody.append(row([modeName(data.selected[1]) + "（" + data.counted + "）", ...areas.map((a) => own(a).persons)]));
  heads.append(thead, tbody);
  byId("headline").append(heads, el("p", "只计入位置已公布的现状设施，因此为下限。Only existing facilities with a published location count: a floor.", "small"));

  function fill(select, pairs, value) {
    for (const [key, text] of pairs) { const o = el("option", text); o.value = key; select.append(o); }
    select.value = value;
  }
  // Where nobody knows who lives where, shares are of land.
  if (data.counted !== "人") {
    byId("p-coverage").querySelector("summary").firstChild.textContent = "覆盖土地 ";
    const [, , covered, all] = byId("coverage").tHead.rows[0].cells;
    covered.textContent = "覆盖 " + data.counted;
    all.textContent = "总 " + data.counted;
    byId("headline").append(el("p", "无人口数据，占比为土地面积之比。Nobody knows who lives where: shares are of land.", "small"));
  }
  const choice = { f: byId("c-facilities"), m: byId("c-mode"), a: byId("c-area") };
  fill(choice.f, Object.entries(data.facilities).map(([k, v]) => [k, v.zh]), data.selected[0]);
  fill(choice.m, Object.entries(data.modes).map(([k, v]) => [k, v.zh]), data.selected[1]);
  fill(choice.a, [...new Set(data.coverage.map((r) => r.area))].map((a) => [a, area(a)]), "ALL");
  function coverage() {
    const [f, m, a] = [choice.f.value, choice.m.value, choice.a.value];
    byId("coverage").tBodies[0].replaceChildren(...data.coverage.filter((r) => r.facilities === f && r.mode === m && r.area === a).map((r) => row([r.minutes, r.share, r.persons, r.of, r.km2])));
    const limits = [...new Set(data.coverage.map((r) => r.minutes))];
    byId("coverage-all").tHead.replaceChildren(row([area(a), ...limits.map((t) => t + "′")], true));
    const rows = [];
    for (const [k, names] of Object.entries(data.facilities)) for (const way of Object.keys(data.modes)) rows.push(row([names.zh + " · " + modeName(way), ...limits.map((t) => (data.coverage.find((r) => r.facilities === k && r.mode === way && r.area === a && r.minutes === t) || {}).share)]));
    byId("coverage-all").tBodies[0].replaceChildren(...rows);
  }
  function chosen() {
    for (const layer of data.layers) if (layer.id.startsWith("bands:")) show(layer.id, layer.id === "bands:" + choice.f.value + ":" + choice.m.value);
    show(choice.f.value, true);
    coverage();
    placeLabels();
  }
  choice.f.addEventListener("change", chosen);
  choice.m.addEventListener("change", chosen);
  // Another area changes the tables only, not what the reader has switched on.
  choice.a.addEventListener("change", coverage);
  if (data.what_ifs.length) {
    const where = [...new Set(data.what_ifs.map((r) => r.area))];
    byId("whatif").tHead.append(row(["新增人口", ...where.map(area)], true));
    const pair = (r) => JSON.stringify([r.id, r.mode]);
    for (const key of [...new Set(data.what_ifs.map(pair))]) {
      const rows = data.what_ifs.filter((r) => pair(r) === key);
      byId("whatif").tBodies[0].append(row([rows[0].zh + " · " + modeName(rows[0].mode), ...where.map((a) => (rows.find((r) => r.area === a) || {}).gained)]));
    }
  } else byId("p-whatif").remove();

  // Legend, unlocated, notes, sources.
  function key(mark, zh, en) {
    const line = el("div", null, "key");
    line.append(mark, el("span", zh), el("span", en, "en"));
    byId("legend").append(line);
  }
  function stroke(attributes) {
    const box = svg("svg", { width: 34, height: 14, class: "swatch", "aria-hidden": "true" });
    box.append(svg("line", { x1: 1, y1: 7, x2: 33, y2: 7, stroke: "#444", "stroke-width": 2.5, ...attributes }));
    return box;
  }
  function patch(attributes) {
    const box = svg("svg", { width: 34, height: 14, class: "swatch", "aria-hidden": "true" });
    box.append(svg("rect", { x: 1, y: 1, width: 32, height: 12, ...attributes }));
    return box;
  }
  function dot(attributes) {
    const box = svg("svg", { width: 34, height: 16, class: "swatch", "aria-hidden": "true" });
    box.append(svg("circle", { cx: 17, cy: 8, r: 6, "stroke-width": 2, ...attributes }));
    return box;
  }
  key(stroke({}), "实线：实测或推导", "solid: surveyed or derived");
  key(stroke({ "stroke-dasharray": "6 4" }), "虚线：示意，据公开文字绘制", "dashed: schematic");
  key(patch({ fill: hatch("#1d91c0"), stroke: "#1d91c0" }), "斜线：推算", "hatched: modelled");
  key(stroke({ "stroke-dasharray": "2 6", "stroke-opacity": 0.65, "stroke-linecap": "round" }), "点线：规划或拟议", "dotted: planned or announced");
  key(dot({ fill: "#00876b", stroke: "#fff" }), "实心：现状设施", "filled: existing");
  key(dot({ fill: "#fff", stroke: "#00876b" }), "空心：规划设施", "hollow: planned");
  key(dot({ fill: "#00876b", "fill-opacity": 0.6, stroke: "#00876b", "stroke-dasharray": "3 2.5" }), "虚线圈：示意位置", "dashed ring: schematic place");
  for (const [name, color] of Object.entries({ expressway: "高速", trunk: "快速路", primary: "主干路", secondary: "次干路与连接线" }).map(([k, zh]) => [k + "|" + zh, ROAD[k]])) key(stroke({ stroke: color, "stroke-dasharray": "6 4", "stroke-width": WIDTH[name.split("|")[0]] }), name.split("|")[1], name.split("|")[0]);
  for (const [minutes, color] of Object.entries(data.ramp)) key(patch({ fill: hatch(color), stroke: color }), "≤ " + minutes + " 分钟", "min");
  for (const r of data.unlocated) {
    const tr = row([r.layer, r.name, [r.figures, r.note].filter(Boolean).join("；")]);
    tr.title = r.en + " · " + r.source;
    byId("unlocated").tBodies[0].append(tr);
  }
  const note = (text) => byId("notes").append(el("li", text));
  note(data.notice.en);
  note("图层核对 " + data.checks.count + " 项，未通过 " + data.checks.failed + " 项。" + data.checks.count + " checks against published figures and rules, " + data.checks.failed + " failed.");
  note("驾车为自由流车速，未计拥堵、信号与停车；无街道数据处按起伏系数折算。Car times are free flow; off the drawn roads a detour factor stands in for streets.");
  for (const text of data.findings) note(text);
  for (const s of data.sources) byId("sources").append(el("li", (QUALITY[s.quality] || s.quality) + " · " + s.licence + "：" + s.layers.join("、")));
  byId("made").textContent = "urbanplan " + data.version + " · Leaflet 1.9.4 (BSD-2-Clause)";

  // Start.
  L.control.zoom({ position: "topright", zoomInTitle: "放大", zoomOutTitle: "缩小" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution(el("span", data.attribution).innerHTML);
  for (const layer of data.layers) if (layer.open && layer.features.length) show(layer.id, true);
  chosen();
  map.on("zoomend moveend", placeLabels);
  // On paper the map has another size than on the screen.
  matchMedia("print").addEventListener("change", () => map.invalidateSize({ animate: false }));
  const toggle = byId("toggle");
  toggle.addEventListener("click", () => {
    const shut = byId("panel").classList.toggle("shut");
    toggle.classList.toggle("shut", shut);
    map.getContainer().classList.toggle("wide", shut);
    toggle.setAttribute("aria-expanded", String(!shut));
    map.invalidateSize();
  });
  map.invalidateSize();
  map.fitBounds(data.bounds, { animate: false });
  document.documentElement.dataset.ready = "yes";
}
