"use strict";
// Everything beside the map. Each part fills itself anew, so that the language can change.
function urbanplanPanels(ui) {
  const { map, groups, data, el, svg, t, byId } = ui;
  const boxes = Object.create(null);
  const area = (name) => (name === "ALL" ? t("total") : (ui.lang === "en" && data.areas[name]) || name);
  const modeName = (m) => ui.name(data.modes[m]);
  const counted = () => (data.land ? "km²" : t("unit"));
  const choice = { f: byId("c-facilities"), m: byId("c-mode"), n: byId("c-minutes"), a: byId("c-area") };
  const find = { v: byId("i-verdict"), a: byId("i-area") };

  // So many areas, the city's total among them, have room beside one another.
  const MANY_AREAS = 4;
  function row(cells, header) {
    const tr = el("tr");
    cells.forEach((text, i) => {
      const cell = el(header || i === 0 ? "th" : "td");
      if (text instanceof Node) cell.append(text);
      else cell.textContent = text === undefined || text === null ? "" : text;
      if (header || i === 0) cell.scope = header ? "col" : "row";
      tr.append(cell);
    });
    return tr;
  }
  function button(text, act, name) {
    const node = el("button", text);
    node.type = "button";
    if (name) node.setAttribute("aria-label", name);
    node.addEventListener("click", act);
    return node;
  }
  function options(select, pairs, value) {
    const kept = select.value || value;
    select.replaceChildren(...pairs.map(([key, text]) => { const o = el("option", text); o.value = key; return o; }));
    select.value = pairs.some(([key]) => key === kept) ? kept : value;
  }
  // A count that is rounded down to nothing may be one of a few.
  const few = (text) => (data.least && text === "0" ? "<" + data.least : text);
  const distinct = (rows, key) => [...new Set(rows.map((r) => r[key]))];
  Object.assign(ui, { fill, show, chosen, choice, boxes, zoomTo, openSheet, row, button, options, area, modeName, distinct });

  const served = (numbers) => (numbers.length ? t("serves") + " " + ui.listed(numbers) : "");
  function show(id, on) {
    if (on) map.addLayer(groups[id]);
    else map.removeLayer(groups[id]);
    if (boxes[id]) boxes[id].checked = on;
  }
  function zoomTo(shapes) {
    const bounds = L.latLngBounds(shapes.map((s) => (s.getBounds ? s.getBounds() : L.latLngBounds([s.getLatLng(), s.getLatLng()]))).flatMap((b) => [b.getSouthWest(), b.getNorthEast()]));
    if (bounds.isValid()) map.fitBounds(bounds, { maxZoom: 15, animate: !ui.still, padding: [20, 20] });
  }

  function headline() {
    byId("title").textContent = ui.lang === "en" ? data.city.en : data.city.zh;
    byId("subtitle").textContent = data.city.en === data.city.zh ? "" : ui.lang === "en" ? data.city.zh : data.city.en;
    byId("approval").textContent = data.approval ? t("approval") + data.approval : t("internal");
    byId("notice").textContent = data.notice[ui.lang];
    byId("notice").hidden = !data.notice[ui.lang];
    if (!data.headline) return byId("p-headline").hidden = true;
    byId("headline-name").textContent = ui.name(data.headline);
    const box = byId("headline");
    box.replaceChildren();
    const rows = data.headline.rows, areas = distinct(rows, "area");
    const at = (m, a) => rows.find((r) => r.mode === m && r.area === a) || {};
    const lead = at(data.selected[1], "ALL");
    if (data.land) byId("p-coverage").querySelector("summary").textContent = t("coverageLand");
    // Nothing to reach: a table of dashes would say no more.
    if (data.headline.untold) return box.append(el("p", t("untold"), "note"));
    if (lead.share) {
      const big = el("div", lead.share, "big");
      big.append(el("small", " "), el("span", few(lead.persons) + " / " + lead.of + " " + counted() + " · " + modeName(lead.mode) + " " + data.headline.minutes + " " + t("min"), "of"));
      box.append(big);
    }
    const table = el("table"), head = el("thead"), body = el("tbody");
    table.id = "headline-table";
    const modes = Object.keys(data.modes);
    // The headline's own mode in people, so that each district's share has its weight beside it.
    const lines = [[t("mode"), ...areas.map(area)], ...modes.map((m) => [modeName(m), ...areas.map((a) => at(m, a).share)]), [modeName(data.selected[1]) + ui.aside(counted()), ...areas.map((a) => few(at(data.selected[1], a).persons))]];
    // Many districts stand below one another: beside one another the last would be cut off.
    const [first, ...rest] = areas.length > MANY_AREAS ? lines[0].map((_, i) => lines.map((line) => line[i])) : lines;
    if (areas.length > MANY_AREAS) first[0] = t("area");
    head.append(row(first, true));
    body.append(...rest.map((line) => row(line)));
    table.append(head, body);
    // Names may be longer than the panel has room for.
    const wide = el("div", null, "scroll");
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", ui.name(data.headline));
    wide.append(table);
    box.append(wide, el("p", t("floor"), "small"));
    if (data.land) box.append(el("p", t("ofLand"), "small"));
  }

  function chart(rows) {
    // One bar per area, the chosen limit; the table below says the same in figures.
    const step = 24, wide = 336, right = 52;
    // Names get the room that they need, up to half of it: Chinese letters are twice as wide as others.
    const room = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e7f" ? 12 : 6.5), 0);
    const fitted = (text) => { const letters = [...text]; while (room(letters.join("")) > 150) letters.pop(); return letters.length < [...text].length ? letters.join("") + "…" : text; };
    const left = 12 + Math.max(74, ...rows.map((r) => room(fitted(area(r.area)))));
    const box = svg("svg", { viewBox: `0 0 ${wide} ${rows.length * step}`, width: "100%", role: "img" });
    box.setAttribute("aria-label", rows.map((r) => area(r.area) + " " + r.share).join("; "));
    rows.forEach((r, i) => {
      const y = i * step, long = (r.part || 0) * (wide - left - right);
      const text = (at, anchor, words) => { const n = svg("text", { x: at, y: y + 16, "text-anchor": anchor, class: "bar-text" }); n.textContent = words; box.append(n); return n; };
      const name = text(left - 8, "end", fitted(area(r.area))), whole = svg("title", {});
      whole.textContent = area(r.area);
      name.append(whole);
      box.append(svg("rect", { x: left, y: y + 4, width: wide - left - right, height: 16, class: "bar-back" }), svg("rect", { x: left, y: y + 4, width: long, height: 16, class: "bar" }));
      text(wide - right + 8, "start", r.share);
    });
    byId("chart").replaceChildren(box);
  }
  function coverage() {
    if (!data.coverage.length) return byId("p-coverage").hidden = true;
    const [f, m, n, a] = [choice.f.value, choice.m.value, choice.n.value, choice.a.value];
    const mine = data.coverage.filter((r) => r.facilities === f && r.mode === m);
    byId("coverage").tHead.replaceChildren(row([t("minutes"), t("share_"), data.land ? "km²" : t("people"), data.land ? t("total") + " km²" : t("ofPeople"), "km²"], true));
    byId("coverage").tBodies[0].replaceChildren(...mine.filter((r) => r.area === a).map((r) => { const tr = row([r.minutes, r.share, few(r.persons), r.of, r.km2]); tr.className = r.minutes === n ? "chosen" : ""; return tr; }));
    chart(mine.filter((r) => r.minutes === n));
    const limits = distinct(data.coverage, "minutes");
    byId("coverage-all").tHead.replaceChildren(row([area(a), ...limits.map((x) => x + "′")], true));
    const rows = [];
    for (const [k, names] of Object.entries(data.facilities)) for (const way of Object.keys(data.modes)) rows.push(row([ui.name(names) + " · " + modeName(way), ...limits.map((x) => (data.coverage.find((r) => r.facilities === k && r.mode === way && r.area === a && r.minutes === x) || {}).share)]));
    byId("coverage-all").tBodies[0].replaceChildren(...rows);
  }
  function chosen() {
    for (const layer of data.layers) if (layer.id.startsWith("bands:")) show(layer.id, layer.id === "bands:" + choice.f.value + ":" + choice.m.value);
    ui.limitBands(choice.n.value);
    if (groups[choice.f.value]) show(choice.f.value, true);
    coverage();
    ui.placeLabels();
    ui.remember();
  }
  for (const key of ["f", "m", "n"]) choice[key].addEventListener("change", chosen);
  // Another area changes the tables only, not what the reader has switched on.
  choice.a.addEventListener("change", () => { coverage(); ui.remember(); });

  function indicators() {
    byId("p-indicators").hidden = !data.indicators.length;
    const wanted = data.indicators.filter((r) => (find.v.value === "told" ? r.verdict !== "cannot be told" : find.v.value === "" || r.verdict === find.v.value) && (find.a.value === "" || r.area === find.a.value));
    byId("i-count").textContent = wanted.length + " / " + data.indicators.length;
    byId("i-grades").textContent = distinct(data.indicators, "grade").map((g) => t(g) + (ui.lang === "en" ? ": " : "：") + t("grade " + g)).join(ui.lang === "en" ? "; " : "；");
    byId("indicators").tHead.replaceChildren(row([t("indicator"), t("value"), t("threshold"), t("verdict")], true));
    byId("indicators").tBodies[0].replaceChildren(...wanted.map((r) => {
      const name = ui.lang === "en" ? r.en : r.zh;
      const first = el("span");
      first.append(button(name, () => gapsOf(r.area), name + " · " + area(r.area)), el("small", [area(r.area), r.clause, t(r.grade), served(ui.tasksOfIndicator(r.id))].filter(Boolean).join(" · ")));
      const tr = row([first, r.value || "–", r.threshold ? ({ at_least: "≥ ", above: "> ", at_most: "≤ " }[r.direction] || "") + r.threshold : "–", t(r.verdict)]);
      tr.title = [r.why, r.borrowed, r.note, r.quality].filter(Boolean).join(" · ");
      tr.dataset.verdict = r.verdict;
      return tr;
    }));
  }
  // A verdict leads to the people out of reach in its area, or to the area where all are reached.
  function gapsOf(where) {
    const id = "gaps:" + choice.m.value;
    const inside = (shape) => where === "ALL" || shape.feature.properties.area === where;
    const gaps = (ui.shapes[id] || []).filter(inside);
    if (gaps.length) show(id, true);
    zoomTo(gaps.length ? gaps : (ui.shapes.districts || []).filter((s) => where === "ALL" || [s.feature.properties.name_zh, s.feature.properties.id].includes(where)));
    ui.remember();
  }
  for (const select of Object.values(find)) select.addEventListener("change", indicators);

  function layers() {
    const chapters = { ...data.chapters, results: { zh: t("results"), en: t("results") }, scenarios: { zh: t("scenarios"), en: t("scenarios") } };
    byId("layers").replaceChildren();
    for (const [key, names] of Object.entries(chapters)) {
      const here = data.layers.filter((layer) => layer.chapter === key && layer.features.length);
      if (!here.length) continue;
      byId("layers").append(el("h2", ui.name(names), "chapter"));
      for (const layer of here) byId("layers").append(entry(layer.id, ui.name(layer), ui.swatch(layer), layer.features.length + (layer.total > layer.features.length ? "/" + layer.total : ""), layer));
    }
    if (groups.basemap) byId("layers").append(entry("basemap", t("basemap"), el("span"), ""));
  }
  function entry(id, name, mark, count, layer) {
    const line = el("div", null, "entry"), label = el("label", null, "layer"), box = el("input");
    box.type = "checkbox";
    box.checked = map.hasLayer(groups[id]);
    box.addEventListener("change", () => { show(id, box.checked); ui.placeLabels(); ui.remember(); });
    boxes[id] = box;
    label.append(box, mark, el("span", name), el("span", count, "n"));
    if (layer) label.title = served(ui.tasksOf(id));
    line.append(label);
    if (layer) line.append(button("≡", () => openSheet(layer), t("table") + " " + name));
    return line;
  }

  // The table that says what the map shows: for keyboards, screen readers and spreadsheets.
  function openSheet(layer) {
    const columns = [...new Set(layer.features.flatMap((f) => Object.keys(f.properties)))].filter((c) => layer.features.some((f) => f.properties[c] !== null && f.properties[c] !== ""));
    byId("sheet-title").textContent = ui.name(layer);
    byId("sheet-note").textContent = layer.features.length > 500 ? t("first") : "";
    const name = (p) => ui.either(p.name_zh, p.name_en, "name") || p.id || p.rank || p.minutes;
    byId("sheet-table").tHead.replaceChildren(row([t("name"), ...columns.map(ui.field)], true));
    byId("sheet-table").tBodies[0].replaceChildren(...layer.features.slice(0, 500).map((f, i) => row([button(String(name(f.properties)), () => { byId("sheet").close(); ui.open(layer, i); }), ...columns.map((c) => f.properties[c])])));
    byId("x-csv").onclick = () => ui.saveCsv(layer.id, columns, layer.features.map((f) => columns.map((c) => f.properties[c])));
    byId("x-geojson").onclick = () => ui.saveGeojson(layer);
    byId("sheet").showModal();
  }
  byId("sheet-close").addEventListener("click", () => byId("sheet").close());
  byId("x-coverage").addEventListener("click", () => ui.saveCsv("coverage", ["facilities", "mode", "minutes", "area", "share", "persons", "of", "km2"], data.coverage.map((r) => [r.facilities, r.mode, r.minutes, r.area, r.share, few(r.persons), r.of, r.km2])));
  byId("x-indicators").addEventListener("click", () => {
    const keys = ["id", "zh", "en", "area", "value", "direction", "threshold", "verdict", "clause", "quote", "grade", "borrowed", "quality", "why", "note"];
    ui.saveCsv("indicators", keys, data.indicators.map((r) => keys.map((k) => r[k])));
  });

  function legend() {
    const { hatch } = ui;
    byId("legend").replaceChildren();
    const key = (mark, text) => { const line = el("div", null, "key"); line.append(mark, el("span", text)); byId("legend").append(line); };
    const mark = (shape, attributes) => { const box = svg("svg", { width: 34, height: 16, class: "swatch", "aria-hidden": "true" }); box.append(svg(shape, attributes)); return box; };
    const stroke = (a) => mark("line", { x1: 1, y1: 8, x2: 33, y2: 8, stroke: "#777", "stroke-width": 2.5, ...a });
    const patch = (a) => mark("rect", { x: 1, y: 2, width: 32, height: 12, ...a });
    const dot = (a) => mark("circle", { cx: 17, cy: 8, r: 6, "stroke-width": 2, ...a });
    key(stroke({}), t("solid"));
    key(stroke({ "stroke-dasharray": "6 4" }), t("dashed"));
    key(patch({ fill: hatch("#1d91c0"), stroke: "#1d91c0" }), t("hatched"));
    key(stroke({ "stroke-dasharray": "2 6", "stroke-opacity": 0.65, "stroke-linecap": "round" }), t("dotted"));
    key(dot({ fill: "#00876b", stroke: "#fff" }), t("filled"));
    key(dot({ fill: "#fff", stroke: "#00876b" }), t("hollow"));
    key(dot({ fill: "#00876b", "fill-opacity": 0.6, stroke: "#00876b", "stroke-dasharray": "3 2.5" }), t("ring"));
    if (data.layers.some((x) => x.role === "road")) for (const [name, drawn] of Object.entries(data.roads)) key(stroke({ stroke: drawn.color, "stroke-dasharray": "6 4", "stroke-width": drawn.width_px }), t(name));
    for (const [minutes, color] of Object.entries(data.ramp)) key(patch({ fill: hatch(color), stroke: color }), "≤ " + minutes + " " + t("min"));
    for (const { shade } of data.layers.filter((x, i) => x.shade && data.layers.findIndex((y) => y.shade && y.shade.column === x.shade.column && (y.zh === x.zh || y.role === "change")) === i)) {
      byId("legend").append(el("h2", shade.title ? ui.name(shade.title) : shade.said_en ? t("change") : ui.field(shade.column), "chapter"));
      shade.colors.forEach((color, k) => key(patch({ fill: color, "fill-opacity": 0.6, stroke: color }), (ui.lang === "en" && shade.said_en ? shade.said_en : shade.said)[k]));
      if (!shade.said_en) key(patch({ fill: shade.none, "fill-opacity": 0.6, stroke: shade.none }), t("others"));
    }
    const gap = data.layers.find((x) => x.role === "gap");
    if (gap) key(patch({ fill: hatch(gap.color), stroke: gap.color }), t("gap"));
  }
  function notes() {
    byId("p-unlocated").hidden = !data.unlocated.length;
    byId("unlocated").tHead.replaceChildren(row([t("layer"), t("name"), t("remark")], true));
    byId("unlocated").tBodies[0].replaceChildren(...data.unlocated.map((r) => {
      const tr = row([ui.name(r.layer), ui.either(r.name, r.en, "name"), [...r.figures.map((f) => ui.name(f.called) + " " + f.value), ui.either(r.note, r.note_en, "note")].filter(Boolean).join(ui.lang === "en" ? "; " : "；")]);
      tr.title = [r.en, r.source].filter(Boolean).join(" · ");
      return tr;
    }));
    const checks = !data.checks ? "" : ui.lang === "en" ? data.checks.count + " checks against published figures and rules, " + data.checks.failed + " failed." : "图层核对 " + data.checks.count + " 项，未通过 " + data.checks.failed + " 项。";
    // A finding is written as "Chinese / English".
    const told = data.findings.map((text) => { const [zh, en] = text.split(" / "); return ui.lang === "en" && en ? en : zh; });
    byId("notes").replaceChildren(...[data.notice[ui.lang], checks, data.coverage.length ? t("freeFlow") : "", ...told].filter(Boolean).map((text) => el("li", text)));
    byId("sources").replaceChildren(...data.sources.map((s) => el("li", [t(s.quality), s.licence].filter(Boolean).join(" · ") + (ui.lang === "en" ? ": " : "：") + ui.listed(s.layers.map(ui.name)))));
  }

  function fill() {
    for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
    for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
    byId("q").placeholder = t("search");
    options(choice.f, Object.entries(data.facilities).map(([k, v]) => [k, ui.name(v)]), data.selected[0]);
    options(choice.m, Object.entries(data.modes).map(([k, v]) => [k, ui.name(v)]), data.selected[1]);
    options(choice.n, distinct(data.coverage, "minutes").map((n) => [n, n + " " + t("min")]), distinct(data.coverage, "minutes").at(-1));
    options(choice.a, distinct(data.coverage, "area").map((a) => [a, area(a)]), "ALL");
    options(find.v, [["told", t("told")], ["", t("every")], ...distinct(data.indicators, "verdict").map((v) => [v, t(v)])], "told");
    options(find.a, [["", t("every")], ...distinct(data.indicators, "area").map((a) => [a, area(a)])], "");
    if (!data.headline) byId("p-unlocated").querySelector("summary").textContent = t("unplaced");
    headline();
    indicators();
    ui.scenarios();
    ui.plan();
    layers();
    legend();
    notes();
    coverage();
  }
}
