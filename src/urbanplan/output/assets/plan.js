"use strict";
// The plan: parts, tasks and items as a tree that drives the map, by agency too; and its goals.
function urbanplanPlan(ui) {
  const { map, groups, data, el, t, byId } = ui;
  const { plan } = data, agency = byId("plan-agency");
  Object.assign(ui, { plan: fill, tasksOf, tasksOfIndicator });
  const marks = L.layerGroup().addTo(map);
  map.createPane("marks").style.zIndex = 465;
  const said = (row, key) => ui.either(row[key + "_zh"], row[key + "_en"], key);
  const tasks = (holds) => plan.tasks.filter((task) => task.items.some(holds)).map((task) => task.number);

  // Whatever is on the map or measured answers which tasks it serves.
  function tasksOf(layer, id) {
    return tasks((item) => item.layers.includes(layer) && (!item.shows[layer] || id === undefined || item.shows[layer].includes(id)));
  }
  function tasksOfIndicator(id) {
    return tasks((item) => item.indicators.includes(id));
  }
  function fill() {
    byId("p-plan").hidden = !plan.tasks.length;
    if (!plan.tasks.length) return;
    byId("plan-about").textContent = [ui.name(plan), plan.document, ui.name(plan.cut)].filter(Boolean).join(" · ");
    const all = plan.tasks.flatMap((task) => [...task.agencies, ...task.items.flatMap((item) => item.agencies)]);
    ui.options(agency, [["", t("every")], ...[...new Set(all)].sort().map((a) => [a, a])], "");
    tree();
    byId("plan-targets").tHead.replaceChildren(ui.row([t("target"), t("goal"), t("latest"), t("needed")], true));
    byId("plan-targets").tBodies[0].replaceChildren(...plan.targets.map((r) => {
      const of = (v, year) => (v ? v + (year ? ui.aside(year) : "") : "–");
      const first = el("span", ui.name(r));
      first.append(el("small", " " + t(r.unit)));
      const tr = ui.row([first, of(r.goal, r.year), of(r.latest, r.latest_year), r.needed || "–"]);
      tr.title = [r.per_year ? t("perYear") + " " + r.per_year : "", said(r, "note")].filter(Boolean).join(" · ");
      return tr;
    }));
    const told = plan.findings.map((text) => { const [zh, en] = text.split(" / "); return ui.lang === "en" && en ? en : zh; });
    byId("plan-findings").replaceChildren(...told.map((text) => el("li", text)));
  }
  function tree() {
    const mine = (item) => !agency.value || item.agencies.includes(agency.value);
    byId("plan-tree").replaceChildren();
    for (const [part, names] of Object.entries(plan.parts)) {
      const here = plan.tasks.filter((task) => task.part === part && (!agency.value || task.agencies.includes(agency.value) || task.items.some(mine)));
      if (!here.length) continue;
      byId("plan-tree").append(el("h2", ui.name(names), "chapter"));
      for (const task of here) byId("plan-tree").append(taskNode(task, task.items.filter(mine)));
    }
  }
  function taskNode(task, items) {
    const node = el("details", null, "task"), head = el("summary");
    head.append(el("b", String(task.number)), el("span", ui.name(task)));
    node.append(head, el("p", ui.listed(task.agencies), "small"));
    if (!task.published) node.append(el("p", t("unpublished"), "small"));
    else if (items.length > 1) node.append(ui.button(t("showTask"), () => drive(items)));
    for (const item of items) node.append(itemNode(item));
    return node;
  }
  function itemNode(item) {
    const box = el("div", null, "item"), list = el("dl");
    box.append(item.located ? ui.button(item.id + " " + ui.name(item), () => drive([item])) : el("b", item.id + " " + ui.name(item)));
    const put = (name, text) => text && list.append(el("dt", t(name)), el("dd", text));
    put("promised", said(item, "promised"));
    put("onMap", item.features ? item.located + " / " + item.features + (item.quality ? " · " + ui.listed(item.quality.split("+").map(t)) : "") : "");
    put("measured", said(item, "values"));
    put("distance", said(item, "distance"));
    put("lacking", said(item, "missing"));
    put("remark", said(item, "note"));
    box.append(list);
    return box;
  }
  // The map shows what belongs to the choice, on its base, with a ring around each feature.
  function drive(items) {
    const wanted = new Map();
    for (const item of items) for (const layer of item.layers) wanted.set(layer, [...(wanted.get(layer) || []), ...(item.shows[layer] || [])]);
    const base = (layer) => layer.chapter === "base" && layer.open, found = [], around = [];
    marks.clearLayers();
    for (const layer of data.layers) {
      ui.show(layer.id, base(layer) || wanted.has(layer.id));
      if (!wanted.has(layer.id)) continue;
      const ids = new Set(wanted.get(layer.id));
      layer.features.forEach((f, i) => {
        if (ids.size && !ids.has(f.properties.id)) return;
        (layer.chapter === "base" ? around : found).push(ui.shapes[layer.id][i]);
        if (ids.size < layer.total && found.length < 200) ring(f);
      });
    }
    ui.zoomTo(found.length ? found : around);
    ui.placeLabels();
    ui.remember();
  }
  function ring(f) {
    const look = { pane: "marks", interactive: false, color: "#9b1b5a", weight: 2.5, fill: false };
    L.geoJSON(f, { style: look, pane: "marks", pointToLayer: (_, at) => L.circleMarker(at, { ...look, radius: 11 }) }).addTo(marks);
  }
  agency.addEventListener("change", tree);
  byId("x-plan").addEventListener("click", () => {
    const keys = ["id", "zh", "en", "promised_zh", "values_zh", "distance_zh", "missing_zh", "features", "located", "quality"];
    const rows = plan.tasks.flatMap((task) => task.items.map((item) => [task.number, task.zh, item.agencies.join("; "), ...keys.map((k) => item[k])]));
    ui.saveCsv("plan", ["task", "task_zh", "agencies", ...keys], rows);
  });
}
