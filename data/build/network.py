"""Roads and bridges, hand-entered from published descriptions: places by name, roads through places.

No street map was available. Each place below is put where the published order along the rivers,
the districts that a road joins and the lengths and areas of the rings leave it; `urbanplan check`
holds the result to those figures. Coordinates are longitude, latitude.
"""

from __future__ import annotations

import expressways
import numpy as np
import shapely

#: Junctions, bridge heads and bends. Bridge heads end in n/s/e/w (the bank), `y` Yangtze, `t` Tuo.
PLACES = {
    # Yangtze bridges, downstream to upstream
    "y1s": (105.5225, 28.8625), "y1n": (105.5190, 28.8805),
    "y2w": (105.4770, 28.8925), "y2e": (105.4910, 28.8945),
    "y3w": (105.4480, 28.8840), "y3e": (105.4645, 28.8855),
    "y4n": (105.4340, 28.8735), "y4s": (105.4375, 28.8585),
    "y5n": (105.4130, 28.8705), "y5s": (105.4160, 28.8545),
    "y6n": (105.3590, 28.8510), "y6s": (105.3725, 28.8420),
    "y7w": (105.3425, 28.8285), "y7e": (105.3580, 28.8265),
    "y8w": (105.3620, 28.7895), "y8e": (105.3760, 28.7885),
    "zbs": (105.5850, 28.9480), "zbn": (105.5870, 28.9660),
    # Tuo bridges, downstream to upstream
    "t1s": (105.4412, 28.8942), "t1n": (105.4372, 28.8985),
    "t2s": (105.4370, 28.8888), "t2n": (105.4330, 28.8925),
    "t3s": (105.4235, 28.8815), "t3n": (105.4225, 28.8880),
    "t4s": (105.4040, 28.8965), "t4n": (105.4130, 28.8925),
    "t5s": (105.3960, 28.9030), "t5n": (105.3990, 28.9085),
    "t6s": (105.3820, 28.9040), "t6n": (105.3850, 28.9115),
    "t7s": (105.3660, 28.9280), "t7n": (105.3680, 28.9345),
    # Second ring, clockwise from the Tai'an bridge
    "re1": (105.5138, 28.8924), "re2": (105.5101, 28.9065), "re3": (105.5027, 28.9193),
    "re4": (105.4894, 28.9281), "rn1": (105.4672, 28.9186), "rn2": (105.4412, 28.9344),
    "rn3": (105.4190, 28.9270), "rn4": (105.4026, 28.9210),
    "rw1": (105.3935, 28.8874), "rw2": (105.3668, 28.8691),
    "rs1": (105.3760, 28.8200), "rs2": (105.3850, 28.8005), "rs3": (105.3940, 28.8003),
    "rs4": (105.4195, 28.8090), "rs5": (105.4201, 28.8174), "rs6": (105.4697, 28.8632),
    "rs7": (105.5025, 28.8491),
    # Old town and the north bank
    "longtou": (105.4219, 28.8775), "cityhall": (105.4380, 28.8740), "zhongshan": (105.4400, 28.8815),
    "lm1": (105.4235, 28.8990), "lm2": (105.4265, 28.9090), "lm3": (105.4320, 28.9230),
    "yb1": (105.4335, 28.9030), "xs1": (105.4400, 28.9060),
    "jw1": (105.4100, 28.8800),
    "xw1": (105.4560, 28.9200), "xw2": (105.4830, 28.9160), "luohan": (105.4960, 28.8990),
    "yutang": (105.4710, 28.9185), "dj1": (105.4690, 28.8960),
    # South bank
    "lantian": (105.4400, 28.8540), "lt2": (105.4260, 28.8430), "lt3": (105.4135, 28.8320),
    "la1": (105.3935, 28.7900), "naxi": (105.3880, 28.7780),
    "jg1": (105.4745, 28.8672), "jg2": (105.4960, 28.8580), "jg3": (105.5060, 28.8510), "taian": (105.5270, 28.8590),
    "qiancao": (105.4670, 28.8900),
    # Towns: only those whose whereabouts are published (a bridge, a corridor, the airport, GeoNames)
    "huangyi": (105.5750, 28.8850), "fenshui": (105.5700, 28.8300), "linyu": (105.3800, 28.8300),
    "huayang": (105.3350, 28.8400), "kuangchang": (105.3550, 28.9150),
    "tongtan": (105.3000, 28.9200),
    "hushi": (105.3700, 28.9450), "anning": (105.4470, 28.9560), "shidong": (105.4550, 29.0050),
    "shuangjia": (105.4400, 29.0350), "texing": (105.5150, 28.9500),
    "airport": (105.4655, 29.0255), "dadukou": (105.2500, 28.7300), "huguo": (105.36663, 28.58626),
}  # fmt: skip

RING = "https://m.163.com/dy/article/FA3RE0HJ0514DASH.html ; http://m.techno-d.com.cn/html/2023/news_1221/212913.html"
INNER = "https://freewechat.com/a/MjM5ODQ2NjU1NQ==/209711235/2 ; https://m.yybnet.net/luzhou/news/201407/4613180.html"
TRIANGLE = "http://traffic.ocn.com.cn/Info/201407/gaosugonglu011155.html"
BINJIANG = "http://47.109.94.16/news/newsshow-850.html"
TUOBANKS = "https://m.yybnet.net/luzhou/news/201904/9016908.html"
ZHAOHE = "https://2000zi.500zi.com/n/8/13/D6JD9njq4o.html"
BRIDGES_2020 = "http://chuannan.cn/hot/20200319_33773_2.html"
BRIDGES_2017 = "https://bbs.mala.cn/thread-15058131-1-1.html"
CHANCHENG = (
    "http://chengdu.baogaosu.com/xinwen/%E9%AB%98%E7%B2%B1%E7%BA%A2%E6%B3%B8%E5%B7%9E%E6%B1%9F%E9%98%B3%E4%BA%A7%E4%B8%9A"
    "%E7%AA%81%E7%A0%B4%E7%B3%BB%E5%88%97%E6%8A%A5%E9%81%93/22533902/"
)
QIANCAO = "https://chujupifa.com/read/-dy-article-JQ9UU8Q20514CK0S.html"
READING = "urbanplan's reading of 二环一纵一横 (https://www.yeyahui.com/archives/26384.html)"
TOWN = "assumed: a road joins each town with the city; towns: https://github.com/modood/Administrative-divisions-of-China"
LINK = "assumed: a short link between two published roads (no page of its own)"

_READ_ZH = "“一纵一横”指哪些道路未公布；此轴线为本工具的理解，非方案原文。"
_READ_EN = "Which roads “二环一纵一横” means is unpublished; this axis is urbanplan's reading, not the plan's wording."
_LINK_ZH = "假定的连接道路，走向示意。"
_LINK_EN = "An assumed link; its course is only indicated."
_TOWN_ZH = "假定城镇与城区有道路相连，走向示意。"
_TOWN_EN = "Assumes that a road joins the town with the city; its course is only indicated."

#: id: (name_zh, name_en, systems, class, lanes, published speed, places, source, accuracy, notes)
ROADS = [
    # Second ring: 52.5 km, dual 8 lanes, 80 km/h, encloses 130 km²
    ("ring2_e", "二环路东段（空港路）", "Second Ring, east (Konggang Rd)", "ring2", "trunk", 8, 80, "y1n re1 re2 re3 re4 ~rn1", RING, 1000, "", ""),
    ("ring2_n", "二环路北段（千凤路）", "Second Ring, north (Qianfeng Rd)", "ring2", "trunk", 8, 80, "~re3 re4 rn1 rn2 rn3 rn4 t6n", RING, 1000, "", ""),
    ("ring2_w", "二环路西段", "Second Ring, west", "ring2", "trunk", 8, 80, "t6s rw1 rw2 y6n", RING, 1000, "", ""),
    ("ring2_naxi", "二环路纳溪段", "Second Ring, Naxi section", "ring2", "trunk", 8, 80, "y6s rs1 rs2 rs3 rs4 rs5 ~rs6", RING, 1000, "9.36公里，自邻玉街道兴隆村至蓝田街道肖湾村，设蓝安立交。", "9.36 km from Xinglong village (Linyu) to Xiaowan village (Lantian), with the Lan'an interchange."),
    ("ring2_gaoxin", "二环路高新区段", "Second Ring, high-tech zone section", "ring2", "trunk", 8, 80, "~rs4 rs5 rs6 rs7 y1s", RING, 1000, "", ""),
    # Popular inner ring, and the north-south axis
    ("jiucheng", "酒城大道", "Jiucheng Ave", "inner_ring;axis_ns;main", "primary", None, None, "t3s longtou", INNER, 500, _READ_ZH, _READ_EN),
    ("longtouguan", "龙透关—市政府", "Longtouguan to city hall", "inner_ring;axis_ns;axis_ew", "primary", None, None, "longtou cityhall", INNER, 500, _READ_ZH, _READ_EN),
    ("cityhall_t1", "市政府—沱江一桥", "City hall to Tuo Bridge 1", "inner_ring", "primary", None, None, "cityhall zhongshan t2s t1s", INNER, 500, "", ""),
    ("yingbin", "迎宾大道", "Yingbin Ave", "inner_ring;main", "primary", None, None, "t1n yb1 lm2", INNER, 500, "", ""),
    ("longma_s", "龙马大道南段", "Longma Ave, south", "inner_ring;axis_ns;main", "primary", None, None, "lm2 lm1 t3n", INNER, 500, _READ_ZH, _READ_EN),
    ("longma_n", "龙马大道北段", "Longma Ave, north", "axis_ns;main", "primary", None, None, "lm2 lm3 rn2", INNER, 800, _READ_ZH, _READ_EN),
    ("cityhall_y4", "市政府—泸州长江大桥", "City hall to Yangtze Bridge 4", "axis_ns", "primary", None, None, "cityhall y4n", READING, 500, _READ_ZH, _READ_EN),
    ("lantian_rd", "蓝田—蓝安立交", "Lantian to Lan'an interchange", "axis_ns", "primary", None, None, "y4s lantian lt2 lt3 rs3", READING, 800, _READ_ZH, _READ_EN),
    ("lanan", "蓝安大道", "Lan'an Ave", "axis_ns;main", "primary", None, None, "rs3 la1 naxi", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", 1000, _READ_ZH, _READ_EN),
    ("airport_rd", "机场大道", "Airport Ave", "axis_ns;main", "primary", None, None, "rn2 anning shidong airport", "https://m.yybnet.net/luzhou/luxian/202101/11212239.html", 1500, _READ_ZH, _READ_EN),
    # East-west axis
    ("jiangyang_w", "江阳西路", "Jiangyang West Rd", "axis_ew;main", "primary", None, None, "t3s jw1 rw1", "http://cnenc.net/b1097404.html", 800, _READ_ZH, _READ_EN),
    ("zhongshan_rd", "忠山隧道连接线", "Zhongshan tunnel link", "axis_ew", "primary", None, None, "zhongshan y3w", BRIDGES_2020, 500, _READ_ZH, _READ_EN),
    ("jiugu", "酒谷大道", "Jiugu Ave", "axis_ew;main", "primary", None, None, "y3e jg1 jg2 jg3 rs7", "http://chuannan.cn/hot/20200319_33773_2.html ; http://47.109.94.16/news/newsshow-58.html", 800, _READ_ZH, _READ_EN),
    ("chancheng", "产城大道", "Chancheng Ave", "axis_ew;main", "primary", None, None, "y1s taian huangyi", CHANCHENG, 1500, _READ_ZH, _READ_EN),
    # Other main streets that the facts name
    ("g321_n", "龙南路（G321）", "Longnan Rd (G321)", "main", "primary", None, None, "t2n lm1", BRIDGES_2017, 500, "", ""),
    ("qiancao_rd", "茜草立交—长江二桥", "Qiancao to Yangtze Bridge 2", "main", "primary", None, None, "y3e qiancao dj1 y2w", "http://yinshua.mbahome.com/hot/2023/0701/4923.html", 600, "", ""),
    ("qiancao_bj", "茜草滨江路", "Qiancao Riverside Rd", "riverfront", "secondary", None, None, "dj1 qb0 qb1 qb2 qb3 qb4 y2w", QIANCAO, 800, "仅知其在茜草滨江生态公园南侧，两端走向示意。", "Known only to run south of the park; both ends are indicated."),
    ("y2_airport", "长江二桥—空港大道", "Yangtze Bridge 2 to Konggang Ave", "main", "primary", None, None, "y2e luohan re2", "http://yinshua.mbahome.com/hot/2023/0701/4923.html", 800, "", ""),
    ("xiwang", "希望大道", "Xiwang Ave", "main", "primary", None, None, "lm3 xw1 yutang xw2 xw3 luohan", "http://chuannan.cn/fang/news/20231103_42502.html (advertorial)", 1000, "来源为房产软文，走向不确。", "The page is an advertorial; its course is uncertain."),
    ("zhaohe", "兆和路", "Zhaohe Rd", "riverfront", "secondary", 6, None, "xs1 zh1 zh2", ZHAOHE, 500, "", ""),
    ("xiaoshi", "小市连接线", "Xiaoshi link", "main", "secondary", None, None, "yb1 xs1", LINK, 500, _LINK_ZH, _LINK_EN),
    ("luohan_zhaohe", "罗小路", "Luoxiao Rd", "main", "secondary", None, None, "zh2 lz1 xw2", ZHAOHE, 800, "", ""),
    ("binjiang", "长江滨江路（小关门—柏木溪）", "Changjiang Riverside Rd", "riverfront", "primary", 6, None, "y4n y5n bj1 bj2", BINJIANG, 500, "", ""),
    ("binjiang_w", "长江滨江路—二环路连接线", "Riverside Rd to Second Ring", "main", "primary", None, None, "bj2 rw2", BINJIANG, 800, "公布为连通二环路，走向示意。", "Published as joining the Second Ring; its course is indicated."),
    ("y5n_longtou", "龙透关—滨江路", "Longtouguan to Riverside Rd", "main", "secondary", None, None, "longtou y5n", LINK, 800, _LINK_ZH, _LINK_EN),
    ("nanbin", "南滨路", "Nanbin Rd", "riverfront", "primary", 6, None, "t3s nb1 nb2", TUOBANKS, 500, "", ""),
    ("beibin_1", "北滨路（沱江西路）", "Beibin Rd (Tuojiang West Rd)", "riverfront", "primary", 6, None, "t3n bb1 bb2 bb3 bb4", TUOBANKS, 500, "", ""),
    ("beibin_2", "北滨路（规划二路）", "Beibin Rd (Planned Rd 2)", "riverfront", "primary", 4, None, "bb4 bb5", TUOBANKS, 500, "", ""),
    ("beibin_ring", "北滨路—二环路连接线", "Beibin Rd to Second Ring", "main", "secondary", None, None, "bb5 t6n", LINK, 800, _LINK_ZH, _LINK_EN),
    ("linyu_rd", "邻玉连接线", "Linyu link", "main", "secondary", None, None, "rs1 linyu", TOWN, 1500, _TOWN_ZH, _TOWN_EN),
    # Town links
    ("tl_kuangchang", "况场连接线", "Kuangchang link", "main", "secondary", None, None, "rw1 kuangchang G76:878 kuang1 tongtan", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_huayang", "华阳连接线", "Huayang link", "main", "secondary", None, None, "rw2 huayang", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_hushi", "胡市连接线", "Hushi link", "main", "secondary", None, None, "rn4 hushi G76:884", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_shuangjia", "双加连接线", "Shuangjia link", "main", "secondary", None, None, "shidong shuangjia", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_texing", "特兴连接线", "Texing link", "main", "secondary", None, None, "re4 tx1 texing", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_port", "港区互通连接线", "Port interchange link", "main", "secondary", None, None, "re2 G4215:256", TOWN, 1500, _TOWN_ZH, _TOWN_EN),
    ("tl_fenshui", "分水岭连接线", "Fenshuiling link", "main", "secondary", None, None, "taian fs1 fenshui G4215:272", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_fengle", "泸渝高速互通连接线", "Luyu Expwy interchange link", "main", "secondary", None, None, "rs5 G93:570", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_naxi", "纳溪—护国连接线", "Naxi to Huguo link", "main", "secondary", None, None, "naxi hg1 hg2 huguo", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    ("tl_dadukou", "大渡口连接线", "Dadukou link", "main", "secondary", None, None, "naxi G76:861 dd1 dd2 dadukou", TOWN, 3000, _TOWN_ZH, _TOWN_EN),
    # From interchanges to the ground
    ("tl_huangyi", "黄舣互通连接线", "Huangyi interchange link", "main", "secondary", None, None, "G4215:265 huangyi", LINK, 1000, _LINK_ZH, _LINK_EN),
    ("tl_airport", "机场互通连接线", "Airport interchange link", "main", "secondary", None, None, "airport G8515:274", LINK, 1500, _LINK_ZH, _LINK_EN),
    ("tl_g8515", "特兴互通连接线", "Texing interchange link", "main", "secondary", None, None, "texing G8515:280", LINK, 2000, _LINK_ZH, _LINK_EN),
    ("tl_xiwang", "希望大道互通连接线", "Xiwang Ave interchange link", "main", "secondary", None, None, "G8515:XinRd re4", LINK, 1000, _LINK_ZH, _LINK_EN),
    ("tl_naxi_w", "纳溪西互通连接线", "Naxi west interchange link", "main", "secondary", None, None, "G76:858 dd1", LINK, 1500, _LINK_ZH, _LINK_EN),
    ("tl_huguo_x", "护国互通连接线", "Huguo interchange link", "main", "secondary", None, None, "G76:839 huguo", LINK, 1500, _LINK_ZH, _LINK_EN),
    ("tl_dadukou_x", "大渡口互通连接线", "Dadukou interchange link", "main", "secondary", None, None, "G93:591 dd2", LINK, 2000, _LINK_ZH, _LINK_EN),
    # Approaches to bridges that are not built: planned with them
    ("ap_y5s", "长江五桥南引道", "Yangtze Bridge 5, south approach", "main", "primary", None, None, "y5s lt2", "https://bbs.0830xy.com/archiver/tid-40768.html", 1000, "", ""),
    ("ap_y7w", "长江七桥西引道", "Yangtze Bridge 7, west approach", "main", "primary", None, None, "y7w huayang", BRIDGES_2020, 1000, "", ""),
    ("ap_y7e", "长江七桥东引道", "Yangtze Bridge 7, east approach", "main", "primary", None, None, "y7e linyu", BRIDGES_2020, 1000, "", ""),
    ("ap_y8w", "长江八桥西引道", "Yangtze Bridge 8, west approach", "main", "primary", None, None, "y8w y8w1 hy1 huayang", BRIDGES_2017, 1500, "", ""),
    ("ap_y8e", "长江八桥东引道", "Yangtze Bridge 8, east approach", "main", "primary", None, None, "y8e naxi", BRIDGES_2017, 1000, "", ""),
    ("ap_t4s", "沱江四桥南引道", "Tuo Bridge 4, south approach", "main", "primary", None, None, "t4s rw1", BRIDGES_2017, 1000, "", ""),
    ("ap_t4n", "沱江四桥北引道", "Tuo Bridge 4, north approach", "main", "primary", None, None, "t4n lm1", BRIDGES_2017, 1000, "", ""),
    ("ap_t5s", "沱江五桥南引道", "Tuo Bridge 5, south approach", "main", "primary", None, None, "t5s rw1", BRIDGES_2017, 1000, "", ""),
    ("ap_t5n", "沱江五桥北引道", "Tuo Bridge 5, north approach", "main", "primary", None, None, "t5n rn4", BRIDGES_2017, 1000, "", ""),
    ("ap_t7s", "沱江七桥南引道", "Tuo Bridge 7, south approach", "main", "primary", None, None, "t7s kuangchang", BRIDGES_2017, 1500, "", ""),
    ("ap_t7n", "沱江七桥北引道", "Tuo Bridge 7, north approach", "main", "primary", None, None, "t7n hushi", BRIDGES_2017, 1500, "", ""),
    ("ap_zbs", "中坝长江大桥南引道", "Zhongba Bridge, south approach", "main", "primary", None, None, "zbs huangyi", "http://m.guangdonglong.com/c/12414.html", 2000, "", ""),
    ("ap_zbn", "中坝长江大桥北引道", "Zhongba Bridge, north approach", "main", "primary", None, None, "zbn zbn1", "http://m.guangdonglong.com/c/12414.html", 2000, "", ""),
]  # fmt: skip

PLACES |= expressways.place_names() | {
    # Riverfront roads: bends on the bank
    "zh1": (105.4455, 28.9110), "zh2": (105.4510, 28.9135),
    "bj1": (105.3960, 28.8665), "bj2": (105.3735, 28.8670),
    "nb1": (105.4180, 28.8805), "nb2": (105.4105, 28.8815),
    "bb1": (105.4160, 28.8872), "bb2": (105.4095, 28.8895), "bb3": (105.4145, 28.8990), "bb4": (105.4060, 28.9075), "bb5": (105.4020, 28.9085),
    "qb0": (105.4610, 28.8965), "qb1": (105.4605, 28.9010), "qb2": (105.4640, 28.9038), "qb3": (105.4690, 28.9034),
    "qb4": (105.4725, 28.9005),
    "xw3": (105.4905, 28.9100), "lz1": (105.4660, 28.9158), "tx1": (105.5060, 28.9480),
    "hy1": (105.3320, 28.8180), "hg1": (105.4000, 28.7200), "hg2": (105.3850, 28.6500),
    "rail1": (105.4100, 28.9800), "rail2": (105.3720, 28.9200), "rail3": (105.3560, 28.8700), "rail4": (105.3900, 28.8200),
    "rail5": (105.4020, 28.7400),
    "kuang1": (105.3200, 28.9080), "fs1": (105.5500, 28.8400),
    "dd1": (105.3500, 28.7550), "dd2": (105.3000, 28.7260),
    "y8w1": (105.3400, 28.7980), "zbn1": (105.5890, 28.9740),
}  # fmt: skip

#: Which drawn features each expressway is.
EXPRESSWAYS = dict.fromkeys(expressways.POINTS, "class=expressway")

WIDE = (
    "河道面据1:400万图，宽度与位置有偏差，图上桥长与公布值不同。",
    "The river is drawn from a 1:4M map, often wider than in reality, so the drawn length differs from the published one.",
)
NOMINAL = (
    "沱江按名义宽度绘制，图上桥长不代表实际桥长。",
    "The Tuo is drawn with a nominal width; the drawn length is not the bridge's own.",
)
CROSS = (
    "高速公路跨江处，由其走向定位；不在公布的桥梁编号之列。",
    "Where an expressway's course crosses the river; not on the numbered list of bridges.",
)
COURSE = (
    "走向过实测点（互通立交与控制点），点间内插。",
    "Its course passes known points, interchanges among them, and is interpolated between them.",
)
_TUO6 = "https://bbs.mala.cn/thread-15058131-1-1.html ; https://freewechat.com/a/MjM5ODQ2NjU1NQ==/209711235/2"

#: id: (name_zh, name_en, river, order, systems, class, lanes, speed, length, opened, status, ends, source)
BRIDGES = [
    ("br_yangtze_1", "长江一桥（泰安长江大桥）", "Yangtze Bridge 1 (Tai'an)", "yangtze", 1, "ring2", "trunk", 8, 80, 1573, "2008", "existing", "y1s y1n", "http://bridgehead.com.cn/archiver/tid-59779.html"),
    ("br_yangtze_2", "长江二桥", "Yangtze Bridge 2", "yangtze", 2, "main", "primary", 6, None, 2189, "2023-07-01", "existing", "y2w y2e", "http://yinshua.mbahome.com/hot/2023/0701/4923.html"),
    ("br_yangtze_3", "长江三桥（国窖长江大桥）", "Yangtze Bridge 3 (Guojiao)", "yangtze", 3, "axis_ew;main", "primary", None, None, 1190, None, "existing", "y3w y3e", BRIDGES_2020),
    ("br_yangtze_4", "长江四桥（泸州长江大桥）", "Yangtze Bridge 4 (Luzhou)", "yangtze", 4, "axis_ns;main", "primary", 4, None, 1252.5, "1982", "existing", "y4n y4s", "http://m.fjcbsl.com/n/2012/1121/c1004-19644293-3.html"),
    ("br_yangtze_5", "长江五桥（蓝田）", "Yangtze Bridge 5 (Lantian)", "yangtze", 5, "main", "primary", 6, None, None, None, "planned", "y5n y5s", BRIDGES_2020),
    ("br_yangtze_6", "长江六桥（邻玉长江大桥）", "Yangtze Bridge 6 (Linyu)", "yangtze", 6, "ring2", "trunk", 8, 80, 1722, "2023-12-20", "existing", "y6n y6s", RING),
    ("br_yangtze_7", "长江七桥（华阳）", "Yangtze Bridge 7 (Huayang)", "yangtze", 7, "main", "primary", None, None, None, None, "planned", "y7w y7e", BRIDGES_2020),
    ("br_yangtze_8", "长江八桥（紫阳）", "Yangtze Bridge 8 (Ziyang)", "yangtze", 8, "main", "primary", None, None, None, None, "planned", "y8w y8e", BRIDGES_2017),
    ("br_tuo_1", "沱江一桥", "Tuo Bridge 1", "tuo", 1, "inner_ring", "primary", None, None, None, "1960-10", "existing", "t1s t1n", "https://v.lzep.cn/content/2022-03/24/content_630935.html"),
    ("br_tuo_2", "沱江二桥（百子图大桥）", "Tuo Bridge 2 (Baizitu)", "tuo", 2, "main", "primary", None, None, None, "1994", "existing", "t2s t2n", BRIDGES_2017),
    ("br_tuo_3", "沱江三桥（龙西大桥）", "Tuo Bridge 3 (Longxi)", "tuo", 3, "inner_ring;axis_ns;main", "primary", 6, None, 410.5, "2007-07", "existing", "t3s t3n", "http://cnenc.net/b1097404.html"),
    ("br_tuo_4", "沱江四桥（龙透关）", "Tuo Bridge 4 (Longtouguan)", "tuo", 4, "main", "primary", None, None, None, None, "planned", "t4s t4n", BRIDGES_2017),
    ("br_tuo_5", "沱江五桥（世纪城）", "Tuo Bridge 5 (Shijicheng)", "tuo", 5, "main", "primary", None, None, None, None, "planned", "t5s t5n", BRIDGES_2017),
    ("br_tuo_6", "沱江六桥（教科城）", "Tuo Bridge 6 (Jiaokecheng)", "tuo", 6, "ring2", "trunk", 8, 80, None, None, "existing", "t6s t6n", _TUO6),
    ("br_tuo_7", "沱江七桥（况场）", "Tuo Bridge 7 (Kuangchang)", "tuo", 7, "main", "primary", None, None, None, None, "planned", "t7s t7n", BRIDGES_2017),
    ("br_zhongba", "中坝长江大桥", "Zhongba Yangtze Bridge", "yangtze", None, "main", "primary", 6, None, 1500, None, "announced", "zbs zbn", "http://m.guangdonglong.com/c/12414.html"),
]  # fmt: skip

#: Years that the pages state or carry in their address, latest first; others are undated.
YEARS = {
    RING: "2023", "http://yinshua.mbahome.com/hot/2023/0701/4923.html": "2023", "http://chuannan.cn/fang/news/20231103_42502.html": "2023",
    "https://v.lzep.cn/content/2022-03/24/content_630935.html": "2022", "https://m.yybnet.net/luzhou/luxian/202101/11212239.html": "2021",
    BRIDGES_2020: "2020", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html": "2020", "https://m.163.com/dy/article/FA3RE0HJ0514DASH.html": "2020",
    TUOBANKS: "2019", BRIDGES_2017: "2017", TRIANGLE: "2014", INNER: "2014", "http://m.fjcbsl.com/n/2012/1121/c1004-19644293-3.html": "2012",
}  # fmt: skip


def year_of(source: str) -> str:
    """Year of a source; empty when its page states none."""
    return next((year for page, year in YEARS.items() if page in source), "")


#: Default speeds by class where none is published, km/h.
SPEED = {"expressway": 100, "trunk": 60, "primary": 50, "secondary": 40}


def through(names: list[str]) -> shapely.LineString:
    """Smooth line through places (centripetal Catmull–Rom), sampled about every 150 m.

    A first or last name with ``~`` only bends the line, so that two roads meet without a corner.
    """
    xy = np.array([PLACES[n] for n in names if not n.startswith("~")])
    if len(xy) == 2:
        return shapely.LineString(xy)
    before, after = names[0], names[-1]
    first = PLACES[before[1:]] if before.startswith("~") else 2 * xy[0] - xy[1]
    last = PLACES[after[1:]] if after.startswith("~") else 2 * xy[-1] - xy[-2]
    p = np.vstack([first, xy, last])
    t = np.r_[0, np.cumsum(np.sqrt(np.hypot(*np.diff(p, axis=0).T)))]
    out = [xy[0]]
    for i in range(1, len(p) - 2):
        count = max(2, round(np.hypot(*((p[i + 1] - p[i]) * [97500, 111000])) / 150))
        for s in np.linspace(t[i], t[i + 1], count + 1)[1:-1]:
            out.append(_catmull(p[i - 1 : i + 3], t[i - 1 : i + 3], s))
        out.append(p[i + 1])
    return shapely.LineString(np.round(out, 6))


def _catmull(p: np.ndarray, t: np.ndarray, s: float) -> np.ndarray:
    def mix(a, b, ta, tb):
        return (tb - s) / (tb - ta) * a + (s - ta) / (tb - ta) * b

    a = [mix(p[i], p[i + 1], t[i], t[i + 1]) for i in range(3)]
    b = [mix(a[i], a[i + 1], t[i], t[i + 2]) for i in range(2)]
    return mix(b[0], b[1], t[1], t[2])
