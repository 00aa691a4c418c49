"use strict";
// What a reader does with the map: find, share, measure, print, save.
function urbanplanTools(ui) {
  const { map, groups, data, el, t, byId } = ui;
  Object.assign(ui, { remember, restore, open, saveCsv, saveGeojson });

  function open(layer, i) {
    const shape = ui.shapes[layer.id][i];
    ui.show(layer.id, true);
    ui.zoomTo([shape]);
    const at = shape.getLatLng ? shape.getLatLng() : shape.getBounds().getCenter();
    L.popup({ maxWidth: 340, minWidth: 220 }).setLatLng(at).setContent(ui.card(layer, layer.features[i].properties)).openOn(map);
    ui.placeLabels();
  }

  // Names in Chinese, English, pinyin or its initials.
  const names = [];
  for (const layer of data.layers) layer.features.forEach((f, i) => { const p = f.properties; if ((p.name_zh || p.name_en) && layer.pinyin) names.push({ layer, i, p, heard: [p.name_zh || "", p.name_en || "", layer.pinyin[i] || ""].join(" ").toLowerCase() }); });
  byId("q").addEventListener("input", () => {
    const words = byId("q").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? names.filter((n) => words.every((w) => n.heard.includes(w))).slice(0, 12) : [];
    byId("hits").replaceChildren(...found.map((n) => {
      const line = el("li"), pick = el("button", ui.either(n.p.name_zh, n.p.name_en, "name") || n.p.id);
      pick.type = "button";
      pick.append(el("small", ui.name(n.layer)));
      pick.addEventListener("click", () => { byId("hits").replaceChildren(); open(n.layer, n.i); });
      line.append(pick);
      return line;
    }));
    byId("status").textContent = words.length && !found.length ? t("none") : "";
  });
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Escape") { byId("hits").replaceChildren(); byId("q").focus(); } });

  // The state of the page is in its address, after the "#".
  function state() {
    const at = map.getCenter(), c = ui.choice;
    const on = data.layers.filter((x) => map.hasLayer(groups[x.id])).map((x) => x.id);
    return new URLSearchParams({ v: [map.getZoom(), at.lat.toFixed(5), at.lng.toFixed(5)].join("/"), c: [c.f.value, c.m.value, c.n.value, c.a.value].join("/"), on: on.join(","), s: [ui.scenario.s.value, ui.scenario.f.value, ui.scenario.m.value, Number(ui.scenarioBox.swipe.checked), Number(ui.scenarioBox.change.checked), byId("swipe-at").value].join("/"), lang: ui.lang }).toString();
  }
  let ready = false;
  function remember() {
    // Inside a notebook the page has no address of its own to keep.
    if (ready && location.protocol !== "about:") history.replaceState(null, "", "#" + state());
  }
  function restore() {
    const asked = new URLSearchParams(location.hash.slice(1)), c = ui.choice;
    const [f, m, n, a] = (asked.get("c") || "").split("/");
    // A link may be old or made up: only what this page has is taken.
    const take = (select, value) => { if ([...select.options].some((o) => o.value === value)) select.value = value; };
    take(c.f, f); take(c.m, m); take(c.n, n); take(c.a, a);
    ui.chosen();
    if (asked.has("on")) { const on = new Set(asked.get("on").split(",")); for (const layer of data.layers) if (layer.features.length) ui.show(layer.id, on.has(layer.id)); }
    const [s, sf, sm, swipe, change, cut] = (asked.get("s") || "").split("/");
    take(ui.scenario.s, s); take(ui.scenario.f, sf); take(ui.scenario.m, sm);
    if (s && ui.scenario.s.value === s) {
      ui.scenarioBox.swipe.checked = swipe === "1";
      ui.scenarioBox.change.checked = change === "1";
      if (cut >= 0 && cut <= 100) byId("swipe-at").value = cut;
      ui.scenarioChosen();
    }
    const [zoom, lat, lng] = (asked.get("v") || "").split("/").map(Number);
    if ([zoom, lat, lng].every(Number.isFinite) && Math.abs(lat) <= 85 && Math.abs(lng) <= 180 && zoom >= 0 && zoom <= 22) map.setView([lat, lng], zoom, { animate: false });
    ready = true;
  }
  byId("t-share").addEventListener("click", async () => {
    const link = byId("link");
    link.value = location.href.split("#")[0] + "#" + state();
    link.hidden = false;
    link.select();
    try { await navigator.clipboard.writeText(link.value); byId("status").textContent = t("copied"); }
    catch { byId("status").textContent = t("copy"); }
  });

  // Lengths and areas on the mean sphere (R = 6,371,008.8 m).
  const R = 6371008.8, rad = (x) => (x * Math.PI) / 180;
  let points = null, drawn = null;
  const button = byId("t-measure");
  function sphereArea(p) {
    return Math.abs(p.reduce((sum, a, i) => { const b = p[(i + 1) % p.length]; return sum + rad(b.lng - a.lng) * (2 + Math.sin(rad(a.lat)) + Math.sin(rad(b.lat))); }, 0) * R * R) / 2;
  }
  function measured() {
    if (drawn) drawn.remove();
    drawn = L.layerGroup([L.polyline(points, { color: "#b3261e", weight: 2.5, interactive: false }), ...points.map((p) => L.circleMarker(p, { radius: 4, color: "#b3261e", fillOpacity: 1, interactive: false }))]).addTo(map);
    const metres = points.slice(1).reduce((sum, p, i) => sum + L.CRS.Earth.distance(points[i], p), 0);
    const text = metres >= 1000 ? (metres / 1000).toFixed(2) + " km" : metres.toFixed(0) + " m";
    byId("status").textContent = text + (points.length > 2 ? " · " + (sphereArea(points) / 1e6).toFixed(3) + " km²" : "") + ui.aside(t("sphere"));
  }
  function measuring(on) {
    points = on ? [] : null;
    button.setAttribute("aria-pressed", String(on));
    map.getContainer().classList.toggle("measuring", on);
    if (on) { byId("status").textContent = t("measuring"); map.getContainer().focus(); }
    else if (drawn) { drawn.remove(); drawn = null; byId("status").textContent = ""; }
  }
  button.addEventListener("click", () => measuring(!points));
  const add = (at) => { if (points) { points.push(at); measured(); } };
  // Before any feature hears of the click: while measuring, none opens its card.
  map.getContainer().addEventListener("click", (event) => { if (!points || event.target.closest(".leaflet-control")) return; event.stopPropagation(); add(map.mouseEventToLatLng(event)); }, true);
  map.getContainer().addEventListener("keydown", (event) => {
    if (points && event.key === "Enter") { event.preventDefault(); add(map.getCenter()); }
    if (points && event.key === "Escape") measuring(false);
  });

  // On paper: the map over the whole width of the sheet, the rest below.
  function print(size) {
    const rule = el("style", "@page{size:" + size + " landscape;margin:10mm}@media print{#map{height:" + (size === "A3" ? 205 : 120) + "mm!important}}");
    document.head.append(rule);
    for (const node of document.querySelectorAll("#panel details")) node.open = true;
    window.print();
    rule.remove();
  }
  byId("t-a4").addEventListener("click", () => print("A4"));
  byId("t-a3").addEventListener("click", () => print("A3"));
  // On paper the map has another size than on the screen.
  matchMedia("print").addEventListener("change", () => map.invalidateSize({ animate: false }));

  function save(name, type, text) {
    const link = el("a");
    link.download = name.replace(/[^\w.-]+/g, "_");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // A spreadsheet runs what begins with = + - @: text that does is shown with a quote before it, as in files/deliveries/texts.py.
  const formula = (text) => /^'*([\s\0\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n])/.test(text) && !/^'*[+-][0-9][0-9,]*(\.[0-9]+)?%?$/.test(text);
  // Where cells are parted at semicolons or tabs another one begins there, whatever quotes stand around ours.
  const behind = (part) => /^'*[\s\0\u200b\ufeff"]*[=+\-@＝＋－＠]/.test(part);
  function cell(v) {
    if (v === null || v === undefined) return "";
    let text = String(v);
    if (typeof v === "string") {
      text = (formula(v) ? "'" : "") + v;
      text = text.replace(/([;\t\r\n])([^;\t\r\n]+)/g, (all, mark, part) => (behind(part) ? mark + "'" + part : all));
    }
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  function saveCsv(name, head, rows) {
    save(name + ".csv", "text/csv", "\ufeff" + [head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n");
  }
  function saveGeojson(layer) {
    save(layer.id + ".geojson", "application/geo+json", JSON.stringify({ type: "FeatureCollection", name: layer.zh, features: layer.features }));
  }

  // Light or dark, as the reader's system has it until they choose.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function theme(on) {
    document.documentElement.dataset.theme = on ? "dark" : "light";
    byId("t-theme").setAttribute("aria-pressed", String(on));
  }
  theme(dark.matches);
  byId("t-theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));
}
