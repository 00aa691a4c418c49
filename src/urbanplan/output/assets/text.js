"use strict";
// Every word of the page, in both languages; those for values in the data come with it.
const urbanplanText = {
  panel: ["面板", "Panel"], tools: ["工具", "Tools"], dark: ["深色", "Dark"], shareLink: ["分享链接", "Share link"], measure: ["量测", "Measure"],
  search: ["按名称查找（中文、英文、拼音）", "Find by name"], link: ["本页当前状态的链接", "Link to what is shown"],
  coverage: ["覆盖人口", "People covered"], coverageLand: ["覆盖土地", "Land covered"], facilities: ["设施", "Facilities"], mode: ["方式", "Mode"], limit: ["时限", "Limit"], area: ["范围", "Area"],
  together: ["时限内人口与面积；选定设施、方式与时限同步显示在图上", "People and land within each limit; the map shows what is chosen"], all: ["全部设施与方式", "All kinds and modes"],
  minutes: ["分钟", "Minutes"], min: ["分钟", "min"], share_: ["占比", "Share"], people: ["人口", "People"], ofPeople: ["总人口", "All people"], unit: ["人", "people"],
  total: ["合计", "All"], csv: ["导出表格 CSV", "Table as CSV"], close: ["关闭", "Close"], table: ["属性表", "Table"],
  indicators: ["指标与标准", "Indicators and standards"], verdict: ["结论", "Verdict"], indicator: ["指标", "Indicator"], value: ["现值", "Value"], threshold: ["标准", "Threshold"], told: ["全部能判断的", "All that can be told"], every: ["全部", "All"],
  scenarios: ["情景对比", "Scenarios"], scenario: ["情景", "Scenario"], noScenario: ["（无：现状基准）", "(none: baseline)"], swipe: ["左右对比：左现状，右情景", "Compare: baseline left, scenario right"], change: ["时间变化图", "Map of change"],
  ranked: ["按新增覆盖人口排序（按现状人口，与现状相比，标题时限）", "By people gained among those of today, at the headline's limit"], baseline: ["现状", "Baseline"], untouched: ["此情景不改变到达这类设施的时间。", "This scenario changes no minutes to facilities of this kind."],
  plan: ["规划任务", "The plan"], agency: ["牵头单位", "Lead agency"], unpublished: ["内容未公布。", "Not published."], showTask: ["在图上显示本任务全部内容", "Show all of this task on the map"],
  promised: ["目标", "Promised"], onMap: ["上图", "On the map"], measured: ["测得", "Measured"], distance: ["差距", "Still needed"], lacking: ["缺少", "Missing"], serves: ["规划任务", "Serves task"],
  untold: ["没有已公布位置的现状设施：无法判断。请先补充设施、道路等图层。", "No existing facility has a published place: this cannot be told. Bring in facilities, roads and other layers first."],
  persons: ["人", "people"], "100m yuan": ["亿元", "× 100m yuan"],
  target: ["目标", "Target"], targets: ["公布的最新值与目标；不作预测", "Latest published values against the goals; nothing is forecast"], goal: ["目标值", "Goal"], latest: ["最新值", "Latest"], needed: ["尚需", "Needed"], perYear: ["每年尚需", "Needed a year:"],
  gained: ["新增人口", "More people"], layers: ["图层", "Layers"], legend: ["图例", "Legend"],
  unlocated: ["已公布、位置未公布", "Published without a location"], layer: ["图层", "Layer"], name: ["名称", "Name"], remark: ["说明", "Remark"], notes: ["数据说明", "What to know"], sources: ["来源与许可", "Sources and licences"],
  results: ["分析结果", "Results"], basemap: ["底图（需联网）", "Base map (needs a network)"], internal: ["仅供内部使用", "For internal use only"], approval: ["审图号：", "Map approval number: "],
  unplaced: ["没有位置", "Without a place"], others: ["其他或无值", "Others, or no value"],
  floor: ["只计入位置已公布的现状设施，因此为下限。", "Only existing facilities with a published location count: a floor."],
  ofLand: ["无人口数据，占比为土地面积之比。", "Nobody knows who lives where: shares are of land."],
  freeFlow: ["驾车为自由流车速，未计拥堵、信号与停车；无街道数据处按起伏系数折算。", "Car times are free flow; where no streets are drawn, a detour factor stands in for them."],
  measuring: ["点击地图添加点（或移动地图后按回车），Esc 结束。", "Click to add points (or move the map and press Enter); Esc ends."], sphere: ["球面近似", "on a sphere"],
  none: ["没有匹配的名称", "No such name"], copied: ["链接已复制。", "Link copied."], copy: ["请复制下面的链接。", "Copy the link below."], zoomIn: ["放大", "Zoom in"], zoomOut: ["缩小", "Zoom out"], map: ["地图；要素也可在各图层的属性表中查看", "Map; features can also be read in each layer's table"],
  card: ["要素", "Feature"], accuracy: ["精度", "Accuracy"], district: ["所在区", "District"], source: ["来源", "Source"], licence: ["许可", "Licence"], asOf: ["日期", "As of"], first: ["显示前 500 行，导出含全部", "First 500 rows; the export has all"],
  solid: ["实线：实测或推导", "Solid: surveyed or derived"], dashed: ["虚线：示意，据公开文字绘制", "Dashed: schematic, drawn from published text"], hatched: ["斜线：推算", "Hatched: modelled"], dotted: ["点线：规划或拟议", "Dotted: planned or announced"], filled: ["实心：现状设施", "Filled: existing"], hollow: ["空心：规划设施", "Hollow: planned"], ring: ["虚线圈：示意位置", "Dashed ring: schematic place"], gap: ["橙色：时限内到不了的人口", "Orange: people out of reach"],
  unstated: ["未注明", "not stated"],
};
// A value of the data may be called as what every object has by itself.
Object.setPrototypeOf(urbanplanText, null);
