"use strict";
// Makes the map from the JSON block. Every text from the data goes through textContent.
async function urbanplanAtlas() {
  const byId = (id) => document.getElementById(id);
  // What Leaflet takes as markup.
  function escaped(text) {
    const node = document.createElement("span");
    node.textContent = text;
    return node.innerHTML;
  }
  if (!("DecompressionStream" in window)) {
    byId("notice").textContent = "浏览器版本过旧：请用 Chrome 80、Edge 80、Firefox 113、Safari 16.4 或更新版本打开。This browser is too old for the map: Chrome 80, Edge 80, Firefox 113, Safari 16.4 or newer.";
    return;
  }
  const data = await urbanplanUnpack(JSON.parse(byId("atlas-data").textContent));
  for (const words of Object.values(data.values)) for (const [key, { zh, en }] of Object.entries(words)) urbanplanText[key] = [zh, en];
  const map = L.map("map", { center: [0, 0], zoom: 1, zoomControl: false });
  // For a page that embeds this one.
  window.urbanplan = { map };
  // Layers are called as the data calls them: no name may mean what an object has by itself.
  const groups = Object.create(null);
  for (const layer of data.layers) groups[layer.id] = L.featureGroup();
  if (data.tiles.length) groups.basemap = L.featureGroup(data.tiles.map((tile) => L.tileLayer(tile.url, { subdomains: tile.hosts, attribution: escaped(tile.host) })));
  const asked = new URLSearchParams(location.hash.slice(1)).get("lang");
  const ui = {
    map, groups, data, byId,
    lang: data.lang === "both" ? (["zh", "en"].includes(asked) ? asked : data.first) : data.lang,
    still: matchMedia("(prefers-reduced-motion: reduce)").matches,
    t: (key) => (urbanplanText[key] || [key, key])[ui.lang === "en" ? 1 : 0],
    name: (named) => (ui.lang === "en" ? named.en || named.zh : named.zh),
    // Marks between words are the language's own.
    listed: (words) => words.join(ui.lang === "en" ? ", " : "、"),
    aside: (text) => (ui.lang === "en" ? " (" + text + ")" : "（" + text + "）"),
    // What was left out in one language is not shown in the other in its place.
    either(zh, en, column) {
      const [own, other, code] = ui.lang === "en" ? [en, zh, "_en"] : [zh, en, "_zh"];
      return own || (data.hidden.includes(column + code) ? "" : other) || "";
    },
    field: (key) => (data.fields[key] ? ui.name(data.fields[key]) : key),
    el(tag, text, className) {
      const node = document.createElement(tag);
      if (text !== undefined && text !== null) node.textContent = text;
      if (className) node.className = className;
      return node;
    },
    svg(tag, attributes) {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      return node;
    },
  };
  urbanplanDraw(ui);
  urbanplanPanels(ui);
  urbanplanScenarios(ui);
  urbanplanPlan(ui);
  urbanplanTools(ui);

  const zoom = L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  const north = L.control({ position: "bottomleft" });
  north.onAdd = () => {
    const arrow = ui.svg("svg", { viewBox: "0 0 24 34", width: 24, height: 34, class: "north", "aria-hidden": "true" });
    arrow.append(ui.svg("path", { d: "M12 1 19 24 12 19 5 24Z" }));
    const letter = ui.svg("text", { x: 12, y: 34, "text-anchor": "middle" });
    letter.textContent = "N";
    arrow.append(letter);
    return arrow;
  };
  north.addTo(map);
  map.attributionControl.setPrefix(false);
  map.attributionControl.addAttribution(escaped(data.attribution));
  byId("made").textContent = "urbanplan " + data.version + " · Leaflet 1.9.4 (BSD-2-Clause)";

  function speak() {
    document.documentElement.lang = ui.lang === "en" ? "en" : "zh-CN";
    ui.fill();
    byId("t-lang").textContent = ui.lang === "en" ? "中文" : "EN";
    byId("t-lang").lang = ui.lang === "en" ? "zh-CN" : "en";
    map.getContainer().setAttribute("role", "region");
    map.getContainer().setAttribute("aria-label", ui.t("map"));
    for (const [button, key] of [[zoom._zoomInButton, "zoomIn"], [zoom._zoomOutButton, "zoomOut"]]) {
      button.title = ui.t(key);
      button.setAttribute("aria-label", ui.t(key));
    }
    ui.placeLabels();
  }
  byId("t-lang").hidden = data.lang !== "both";
  byId("t-lang").addEventListener("click", () => { ui.lang = ui.lang === "en" ? "zh" : "en"; map.closePopup(); speak(); ui.remember(); });

  map.fitBounds(data.bounds, { animate: false });
  for (const layer of data.layers) if (layer.open && layer.features.length) map.addLayer(groups[layer.id]);
  speak();
  ui.restore();
  map.on("zoomend moveend", () => { ui.placeLabels(); ui.remember(); });
  const toggle = byId("toggle");
  toggle.addEventListener("click", () => {
    const shut = byId("panel").classList.toggle("shut");
    toggle.classList.toggle("shut", shut);
    map.getContainer().classList.toggle("wide", shut);
    toggle.setAttribute("aria-expanded", String(!shut));
    map.invalidateSize();
  });
  map.invalidateSize();
  if (!location.hash.includes("v=")) map.fitBounds(data.bounds, { animate: false });
  ui.placeLabels();
  document.documentElement.dataset.ready = "yes";
}
