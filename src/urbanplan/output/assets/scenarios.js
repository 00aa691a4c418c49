"use strict";
// Scenarios: a ranked table, a map of change, and the baseline's bands beside the scenario's.
function urbanplanScenarios(ui) {
  const { map, groups, data, el, t, byId } = ui;
  const pick = { s: byId("s-which"), f: byId("s-facilities"), m: byId("s-mode") };
  const box = { swipe: byId("s-swipe"), change: byId("s-change") }, at = byId("swipe-at");
  Object.assign(ui, { scenarios: fill, scenario: pick, scenarioBox: box, scenarioChosen: shown });
  const line = el("div", null, "swipe-line");

  const rows = () => data.scenario_rows.filter((r) => r.facilities === pick.f.value && r.mode === pick.m.value);
  const key = (role) => [role, pick.s.value, pick.f.value, pick.m.value].join(":");
  function fill() {
    byId("p-scenarios").hidden = !data.scenarios.length;
    if (!data.scenarios.length) return;
    const kinds = ui.distinct(data.scenario_rows, "facilities"), ways = ui.distinct(data.scenario_rows, "mode");
    ui.options(pick.s, [["", t("noScenario")], ...data.scenarios.map((s) => [s.id, ui.name(s)])], "");
    ui.options(pick.f, kinds.map((k) => [k, ui.name(data.facilities[k])]), data.selected[0]);
    ui.options(pick.m, ways.map((m) => [m, ui.modeName(m)]), data.selected[1]);
    table();
    note();
  }
  function table() {
    const areas = ui.distinct(data.scenario_rows, "area").filter((a) => a !== "ALL"), mine = rows();
    // With many districts the last columns are out of sight: then the total and its share come first.
    const ordered = (total, others) => (areas.length > 3 ? [...total, ...others] : [...others, ...total]);
    byId("scenarios").tHead.replaceChildren(ui.row(ordered([t("total"), t("share_")], areas.map(ui.area)), true));
    const of = (id, a) => mine.find((r) => r.id === id && r.area === a) || {};
    const order = data.scenarios.filter((s) => mine.some((r) => r.id === s.id)).sort((a, b) => of(b.id, "ALL").rank - of(a.id, "ALL").rank);
    // A name and its figures take a line each: both fit a narrow panel.
    byId("scenarios").tBodies[0].replaceChildren(...order.flatMap((s) => {
      const head = el("tr"), cell = el("th"), figures = el("tr");
      cell.colSpan = areas.length + 2;
      cell.scope = "rowgroup";
      cell.append(ui.button(ui.name(s), () => { pick.s.value = s.id; box.change.checked = true; shown(); }));
      head.append(cell);
      for (const text of ordered([of(s.id, "ALL").gained, of(s.id, "ALL").share], areas.map((a) => of(s.id, a).gained))) figures.append(el("td", text));
      head.className = figures.className = s.id === pick.s.value ? "chosen" : "";
      return [head, figures];
    }));
  }
  function note() {
    const one = data.scenarios.find((s) => s.id === pick.s.value);
    const said = one ? (ui.lang === "en" ? one.note_en : one.note_zh) : "";
    byId("s-note").textContent = [said, one && !groups[key("after")] ? t("untouched") : ""].filter(Boolean).join(" ");
    byId("swipe-a").textContent = t("baseline");
    byId("swipe-b").textContent = one ? ui.name(one) : "";
  }
  // Only what belongs to the choice is shown: the scenario's bands beside the baseline's, and the change over both.
  function shown() {
    const swipe = box.swipe.checked && Boolean(groups[key("after")]), change = box.change.checked && Boolean(groups[key("change")]);
    for (const layer of data.layers) if (layer.role === "after" || layer.role === "change") ui.show(layer.id, layer.id === (layer.role === "after" ? swipe && key("after") : change && key("change")));
    if (swipe || change) {
      for (const layer of data.layers) if (layer.id.startsWith("bands:")) ui.show(layer.id, swipe && !change && layer.id === "bands:" + pick.f.value + ":" + pick.m.value);
      if (groups[pick.f.value]) ui.show(pick.f.value, true);
    }
    byId("swiper").hidden = !swipe;
    clip(swipe);
    table();
    note();
    ui.placeLabels();
    ui.remember();
  }
  function clip(on = !byId("swiper").hidden) {
    const before = map.getPane("z420"), after = map.getPane("z421");
    if (!before || !after) return;
    if (!on) {
      before.style.clipPath = after.style.clipPath = "";
      line.remove();
      return;
    }
    const size = map.getSize(), cut = (size.x * at.value) / 100;
    const [a, b] = [map.containerPointToLayerPoint([0, 0]), map.containerPointToLayerPoint([size.x, size.y])], x = a.x + cut;
    const area = (left, right) => `polygon(${left}px ${a.y}px, ${right}px ${a.y}px, ${right}px ${b.y}px, ${left}px ${b.y}px)`;
    before.style.clipPath = area(a.x, x);
    after.style.clipPath = area(x, b.x);
    line.style.left = cut + "px";
    if (!line.isConnected) map.getContainer().append(line);
  }
  at.addEventListener("input", () => { clip(); ui.remember(); });
  map.on("move zoomend viewreset resize", () => clip());
  for (const node of [pick.s, pick.f, pick.m, box.swipe, box.change]) node.addEventListener("change", () => {
    if (node === pick.s && pick.s.value && !box.swipe.checked && !box.change.checked) box.change.checked = true;
    shown();
  });
  byId("x-scenarios").addEventListener("click", () => {
    const keys = ["id", "facilities", "mode", "area", "persons", "share", "gained"];
    ui.saveCsv("scenarios", keys, data.scenario_rows.map((r) => keys.map((k) => r[k])));
  });
}
