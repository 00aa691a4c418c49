"""Parks, industrial parks, services and other places, entered from published descriptions.

Each row says what is published; `at` is (longitude, latitude), None where the place is published by
name only. `mu` are Chinese mu: 15 to the hectare.
"""

from __future__ import annotations

from network import CHANCHENG
from write import PLAN

MU = 1 / 15

# id, name_zh, name_en, kind, district, status, published area in ha (None), how it is drawn, accuracy, as_of, source, note_zh, note_en
# drawn: ("blob", lon, lat, aspect, angle) | ("strip", river, from, to, side) with stations at bridges | None
PARKS = [
    ("park_qiancao", "茜草滨江生态公园", "Qiancao Riverside Ecological Park", "riverside", "江阳区", "existing", 27.8354, ("strip", "yangtze", "qiancao0", "qiancao1", "right"), 800, "2025", "https://chujupifa.com/read/-dy-article-JQ9UU8Q20514CK0S.html", "417.531亩；南临茜草滨江路，北临长江，与老城隔江相望。开放年份未印明，据文章编号推为2025年。", "417.531 mu; road to the south, Yangtze to the north, opposite the old town. Year of opening not printed; 2025 read from the article's number."),
    ("park_nanbin", "南滨公园", "Nanbin Park", "riverside", "江阳区", "existing", 463 * MU, ("strip", "tuo", "nanbin0", "nanbin1", "right"), 500, "2019", "https://m.yybnet.net/luzhou/news/201904/9016908.html", "463亩；沱江南岸，沱三桥至沱六桥间。", "463 mu; south bank of the Tuo between bridges 3 and 6."),
    ("park_beibin", "北滨公园", "Beibin Park", "riverside", "龙马潭区", "existing", 916 * MU, ("strip", "tuo", "beibin0", "nanbin1", "left"), 500, "2019", "https://m.yybnet.net/luzhou/news/201904/9016908.html", "916亩；沱江北岸，沱三桥至沱六桥间。", "916 mu; north bank of the Tuo between bridges 3 and 6."),
    ("park_yuzixi", "渔子溪生态湿地公园", "Yuzixi Wetland Park", "wetland", "江阳区", "existing", 1800 * MU, ("blob", 105.4925, 28.8528, 2.0, -40), 1500, "", "http://47.109.94.16/news/newsshow-58.html", "约1800亩；在国家高新区内酒谷大道、高科路、环湖西路一带。", "About 1,800 mu; in the high-tech zone by Jiugu Avenue."),
    ("park_longmatan", "龙马潭生态湿地公园", "Longmatan Wetland Park", "wetland", "龙马潭区", "planned", 500 * MU, ("blob", 105.4570, 28.9245, 1.3, 0), 1500, "2022", "http://chuannan.cn/lvyou/news/20221122_40423.html", "约500亩；原龙马潭公园（2020年闭园）及周边。", "About 500 mu; the old park, closed in 2020, and its surroundings."),
    ("park_zhongshan", "忠山公园", "Zhongshan Park", "city", "江阳区", "existing", 220 * MU, ("blob", 105.4262, 28.8795, 1.4, 20), 600, "", "https://bbs.youxiake.com/baike/7789_100.html", "220亩（另有页面作约16公顷）；与西南医科大学忠山校区相邻。", "220 mu (another page says about 16 ha); next to the university's Zhongshan campus."),
    ("park_zhangba", "张坝桂圆林", "Zhangba Longan Forest", "scenic", "江阳区", "existing", 4500 * MU, ("strip", "yangtze", "zhangba0", "zhangba1", "right"), 800, "2014", "http://www.putiv.cn/i124100.htm", "4500亩（另有1000余、4000亩之说）；距国窖大桥约800米，南至酒谷大道。", "4,500 mu (other pages say 1,000 or 4,000); its west gate is 800 m from Guojiao Bridge, its south limit Jiugu Avenue."),
    ("park_dongyan", "东岩公园", "Dongyan Park", "city", "江阳区", "existing", 7.0, ("blob", 105.4640, 28.8885, 1.3, 70), 500, "", "http://dh368.com/case.php?id=77&mod=detail", "约7公顷；长江东岸，国窖大桥东桥头。", "About 7 ha; east bank, east head of Guojiao Bridge."),
    ("park_changshi", "长江生态湿地公园", "Changjiang Ecological Wetland Park", "wetland", "纳溪区", "existing", 800 * MU, ("outline", [(105.4102, 28.8232), (105.4112, 28.8290), (105.4030, 28.8310), (105.4015, 28.8248)]), 1000, "", "https://bbs.mala.cn/forum.php?goto=lastpost&mod=redirect&tid=15282237", "800亩；长湿新城，东侧蓝安路，南至二环路，沿倒流河。", "800 mu; Lan'an Road to the east, Second Ring to the south, along the Daoliu stream."),
    ("park_fenghuang", "凤凰湖国家湿地公园", "Fenghuang Lake National Wetland Park", "wetland", "纳溪区", "existing", 157.0, ("blob", 105.2480, 28.7035, 2.4, 0), 3000, "2012", "http://www.zguosxw.com/articleid/169201.html", "水域湿地157万平方米；大渡口酿酒基地以南。", "1.57 km² of water and wetland; south of the Dadukou distillery base."),
    ("park_xiandaicheng", "现代城口袋公园", "Xiandaicheng Pocket Park", "pocket", "江阳区", "existing", 1.0, ("blob", 105.4418, 28.8755, 2.0, 40), 500, "2024", "http://m.alsgstools.com/tushuo/211807.html", "约1万平方米；长江滨江路现代城至小关门间。", "About 1 ha on the riverside road."),
    ("park_yudaihe", "玉带河湿地公园", "Yudaihe Wetland Park", "wetland", "", "existing", 1300 * MU, None, None, "2017", "https://m.pouringspot.com/10462/10464/10465/10595/2017/10/17/10435916.shtml", "一期约1300亩。", "Phase 1 about 1,300 mu."),
    ("park_longjianxi", "龙涧溪公园", "Longjianxi Park", "city", "", "existing", None, None, None, "2022", "http://m.studyofnet.com/816824840.html", "", ""),
] + [
    (f"park_{i}", zh, en, "city", d, "existing", None, None, None, "2017", src, *note)
    for i, zh, en, d, src, *note in [
        ("muya", "木崖公园", "Muya Park", "", "https://www.chuannan.net/cnzx2010_2019/185179.html", "仅见名称。", "Published by name only."),
        ("yangdashan", "杨大山公园", "Yangdashan Park", "", "https://www.chuannan.net/cnzx2010_2019/185179.html", "OpenStreetMap作“羊大山公园”。", "Called 羊大山公园 in OpenStreetMap."),
        ("jiangyang", "江阳公园", "Jiangyang Park", "", "https://www.chuannan.net/cnzx2010_2019/185179.html", "", ""),
        ("lianjiang", "连江公园", "Lianjiang Park", "", "https://www.chuannan.net/cnzx2010_2019/185179.html", "", ""),
        ("chengnan", "城南公园", "Chengnan Park", "", "https://www.chuannan.net/cnzx2010_2019/185179.html", "仅见名称。", "Published by name only."),
        ("wudingshan", "五顶山公园", "Wudingshan Park", "纳溪区", "http://cqzrhj.com/content/245.html", "仅见名称。", "Published by name only."),
        ("qilin", "麒麟文化广场", "Qilin Culture Square", "纳溪区", "http://cqzrhj.com/content/245.html", "仅见名称。", "Published by name only."),
        ("huguo", "护国公园", "Huguo Park", "纳溪区", "http://cqzrhj.com/content/245.html", "仅见名称。", "Published by name only."),
    ]
]  # fmt: skip

_PORT = "http://bizasean1.com/cj/2161.html"
#: The page that lists seven manufacturing parks; it stands first among their sources.
_LIST7 = "https://m.yybnet.net/luzhou/news/202012/11060817.html"
_NONE_ZH, _NONE_EN = "位置或界线未公布。", "Location or limits unpublished."
# id, name_zh, name_en, kind, district, status, published km², drawn, accuracy, as_of, source, note_zh, note_en
INDUSTRY = [
    ("ip_lingang", "四川自贸试验区川南临港片区", "South Sichuan Port Area (FTZ)", "free_trade_zone", "龙马潭区", "existing", 19.99, ("port",), 800, "2017", f"{_LIST7}; {_PORT}", "四至：东至成自泸赤高速西侧，南至长江，西至医教园区，北至进港铁路；按此四至与公布面积绘制。", "Drawn from its four published limits: expressway (E), Yangtze (S), medical-education park (W), port railway (N), and its area."),
    ("ip_yijiao", "医教园区（临港片区西界）", "Medical-education park (western limit of the port area)", "education_park", "龙马潭区", "existing", None, ("yijiao",), 1500, "2017", _PORT, "仅作为临港片区西界公布；面积未公布，图上范围不表示面积。", "Published only as a limit of the port area; its drawn size claims no area."),
    ("ip_baijiu", "四川泸州白酒产业园区（一核）", "Sichuan Luzhou Baijiu Park (core)", "baijiu", "江阳区", "existing", 20.0, ("blob", 105.6000, 28.8920, 0.75, 0), 2000, "2016", f"{_LIST7}; http://m.cogerep.com/html/2016/zgjybd_0330/3512.html", "“一核两组团”之核；规划2020年建成区20平方公里。", "Core of the baijiu layout; 20 km² built-up planned for 2020."),
    ("ip_longma", "郎酒龙马酒庄（龙马潭浓酱兼香基地）", "Langjiu Longma Winery (Longmatan base)", "baijiu", "龙马潭区", "planned", 528 * MU / 100, ("blob", 105.4420, 28.9990, 1.3, 0), 2500, "2025", "https://luzhou.scol.com.cn/sj/202507/83083417.html", "“两组团”之一；游览区528亩，2026年底开放。", "One of the two clusters; visitor area 528 mu, opening end of 2026."),
    ("ip_jiuzhen", "纳溪酿酒基地·中国酒镇酒庄", "China Wine Town (Naxi)", "baijiu", "纳溪区", "existing", 10000 * MU / 100, ("column", 105.2480, 28.7085), 2500, "2012", "http://news.enorth.com.cn/system/2012/05/10/009202737.shtml", "“两组团”之一；10000亩，北临长江，南接凤凰湖。", "One of the two clusters; 10,000 mu between the Yangtze and Fenghuang Lake."),
    ("ip_hengli", "恒力（泸州）产业园", "Hengli Luzhou Park", "textile", "龙马潭区", "existing", 5000 * MU / 100, ("blob", 105.5022, 28.9020, 1.4, 100), 1500, "2020", "https://sichuan.scol.com.cn/ggxw/202004/57784409.html", "5000亩；在川南临港片区内。", "5,000 mu, inside the port area."),
    ("ip_lutianhua_w", "泸天化化工园区（西区）", "Lutianhua Chemical Park, west", "chemical", "纳溪区", "existing", None, ("halves", 105.3720, 28.7520, 5239 * MU, 0), 1500, "2025", "https://m.semuli.com/news/202502/7719.html", "全园5239亩，永宁河分为东西两区；分区面积未公布，图上各半。", "5,239 mu in all, split by the Yongning River; the parts' areas are unpublished and drawn as halves."),
    ("ip_lutianhua_e", "泸天化化工园区（东区）", "Lutianhua Chemical Park, east", "chemical", "纳溪区", "existing", None, ("halves", 105.3720, 28.7520, 5239 * MU, 1), 1500, "2025", "https://m.semuli.com/news/202502/7719.html", "全园5239亩，永宁河分为东西两区；分区面积未公布，图上各半。", "5,239 mu in all, split by the Yongning River; the parts' areas are unpublished and drawn as halves."),
    ("ip_gaoxin", "泸州国家高新区", "Luzhou National High-tech Zone", "high_tech", "江阳区", "existing", None, None, None, "2025", f"{_LIST7}; https://www.163.com/dy/article/HJL6PPBK0550A2NP.html", "规划202平方公里，“一核两翼多园”；界线未公布。", "202 km² planned; limits unpublished."),
    ("ip_changkai", "四川泸州（长江）经济开发区", "Luzhou (Changjiang) EDZ", "development_zone", "龙马潭区", "existing", None, None, None, "", f"{_LIST7}; http://zhoushan.kjzxfw.com/zhaoshangyinzi/list/cyy-detail/15gcdTmN.html", "规划196平方公里，核心区96平方公里，省级开发区19.82平方公里；界线未公布。", "196 km² planned, core 96 km²; limits unpublished."),
    ("ip_hangkong", "泸州航空航天产业园区", "Luzhou Aerospace Park", "aerospace", "", "planned", None, None, None, "2021", f"{_LIST7}; https://m.yybnet.net/luzhou/luxian/202101/11212239.html", "规划80平方公里，启动区23.1平方公里；主要在泸县，三区之外。", "80 km² planned, start-up core 23.1 km²; mostly in Lu County, outside the three districts."),
    ("ip_cec", "中国电子（泸州）产业园", "CEC Luzhou Park", "electronics", "", "existing", None, None, None, "2020", "http://www.thecover.cn/news/3897848", "约4500亩；所在镇街未公布。", "About 4,500 mu; town unpublished."),
    ("ip_jydz2", "江阳区电子信息产业园二期", "Jiangyang electronics park II", "electronics", "江阳区", "existing", None, None, None, "2020", "https://xw.qq.com/cmsid/20201127A0FXVC00", "200亩；" + _NONE_ZH, "200 mu; " + _NONE_EN),
    ("ip_xinjingji", "新经济产业城", "New-economy industry town", "electronics", "", "announced", None, None, None, "2021", f"{PLAN} (task 5)", "方案提及；位置与面积未公布。", "Named in the plan; location and area unpublished."),
    ("ip_zongbao", "泸州综合保税区", "Luzhou Comprehensive Bonded Zone", "bonded_zone", "龙马潭区", "existing", None, None, None, "2020", "http://district.ce.cn/newarea/roll/202104/08/t20210408_36453500.shtml", "2020年封关运行；面积与界线未公布。", "In operation since 2020; area and limits unpublished."),
    ("ip_jiangnan", "高新区江南科技产业园", "Jiangnan Science Park", "high_tech", "", "existing", None, None, None, "2020", _LIST7, _NONE_ZH, _NONE_EN),
    ("ip_naxikeji", "高新区纳溪科技园", "Naxi Science Park", "high_tech", "纳溪区", "existing", None, None, None, "2020", _LIST7, _NONE_ZH, _NONE_EN),
]  # fmt: skip

# layer: rows of (id, name_zh, name_en, kind, district, status, at, accuracy, as_of, source, note_zh, note_en, own columns)
POINTS = {
    "hospitals": [
        ("h_renmin_shaxi", "泸州市人民医院（沙茜院区）", "People's Hospital, Shaxi campus", "general", "江阳区", "existing", (105.4600, 28.8700), 1500, "2025", "https://scsqw.cn/whzh/70zwzs/content_23371", "金沙路/黎明南路。", "Jinsha Rd / Liming South Rd.", {"beds": 1000}),
        ("h_renmin_shifu", "泸州市人民医院（市府路院区）", "People's Hospital, Shifu Rd campus", "general", "江阳区", "existing", (105.4345, 28.8795), 500, "2025", "https://c.m.163.com/news/a/IKQ8LB230514CK0S.html", "原620床，2023–25年改建为300床。", "620 beds before, 300 after rebuilding in 2023–25.", {"beds": 300}),
        ("h_renmin_kuang", "泸州市人民医院（况场院区）", "People's Hospital, Kuangchang campus", "general", "江阳区", "existing", (105.3480, 28.9040), 2500, "2025", "https://scsqw.cn/whzh/70zwzs/content_23371", "况场街道，具体坐标未公布。", "In Kuangchang; coordinates unpublished.", {"beds": 100}),
        ("h_tcm_chengnan", "泸州市中医医院（城南院区）", "TCM Hospital, south campus", "tcm", "纳溪区", "existing", (105.3980, 28.8120), 2500, "2025", "http://www.lzszyyy.com/content/3814.html", "杏林路80号；编制1000床，2025年开放567床，此处取开放数。", "1,000 beds planned, 567 open in 2025: the open number is used.", {"beds": 567}),
        ("h_tcm_dashan", "泸州市中医医院（大山坪院区）", "TCM Hospital, Dashanping campus", "tcm", "江阳区", "existing", (105.4300, 28.8755), 1000, "2025", "http://www.lzszyyy.com/content/3814.html", "大山坪；床位未公布。", "In Dashanping; beds unpublished.", {}),
        ("h_swmu_zhong", "西南医科大学附属医院（忠山）", "SWMU Affiliated Hospital, Zhongshan", "teaching", "江阳区", "existing", (105.4290, 28.8815), 600, "2019", "http://www.gaoxiaojob.com/zhaopin/zhuanti/xnykdxfsyy2019/page.html", "238亩；床位未公布。", "238 mu; beds unpublished.", {}),
        ("h_swmu_kang", "西南医科大学附属医院（康健中心）", "SWMU Affiliated Hospital, Kangjian Centre", "teaching", "江阳区", "existing", None, None, "2019", "http://www.gaoxiaojob.com/zhaopin/zhuanti/xnykdxfsyy2019/page.html", "538亩。", "538 mu.", {}),
    ],
    "education": [
        ("e_swmu_zhong", "西南医科大学（忠山校区）", "SWMU, Zhongshan campus", "university", "江阳区", "existing", (105.4280, 28.8800), 600, "", "https://www.swmu.edu.cn/info/1077/2321.htm", "忠山路3段319号。", "319 Zhongshan Rd, section 3.", {}),
        ("e_swmu_north", "西南医科大学（城北校区）", "SWMU, north campus", "university", "龙马潭区", "existing", (105.4190, 28.9080), 1000, "", "https://www.swmu.edu.cn/info/1077/2321.htm", "香林路1段1号。", "1 Xianglin Rd.", {}),
        ("e_lzvtc", "泸州职业技术学院", "Luzhou Vocational & Technical College", "college", "龙马潭区", "existing", (105.4720, 28.9310), 2500, "2024", "http://myygl.org/myygl/7194725137086005251.html", "长桥路2号。", "2 Changqiao Rd.", {"students": 15000}),
        ("e_police", "四川警察学院", "Sichuan Police College", "university", "江阳区", "existing", None, None, "2021", f"{PLAN} (task 4)", "方案提及；此为江阳校区。", "Named in the plan; this is its campus in Jiangyang.", {}),
        ("e_sanhe", "四川三河职业学院", "Sanhe College", "college", "", "existing", None, None, "", "https://www.xhlnet.com/school/345097.html", "在泸县得胜镇，三区之外；所载坐标不可靠，故不落图。", "In Desheng, Lu County, outside the three districts; the coordinates that a page gives are weak and not drawn.", {}),
        ("e_med2", "泸州第二医教园区", "Second Medical-Education Park", "campus_park", "纳溪区", "planned", (105.4185, 28.8000), 1500, "2020", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", "约7.6平方公里；北至二环路，西至蓝安大道，东至倒流河绿地。", "About 7.6 km²; Second Ring to the north, Lan'an Avenue to the west, Daoliu stream to the east.", {"students": 30000}),
        ("e_chuanjiu", "川酒文化培训学校", "Chuanjiu Culture Training School", "college", "纳溪区", "planned", None, None, "2020", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", "900亩；在第二医教园区内，具体位置未公布。", "900 mu, inside the park; exact place unpublished.", {"students": 14000}),
        ("e_qixie", "泸州医疗器械职业学院", "Medical Device College", "college", "纳溪区", "existing", None, None, "2020", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", "约530亩；在第二医教园区内，2020年为规划，2024年已有。", "About 530 mu, inside the park; planned in 2020, there by 2024.", {"students": 6000}),
        ("e_xitou", "西南医投培训中心", "Xinan Yitou Training Centre", "college", "纳溪区", "planned", None, None, "2020", "http://sc.people.com.cn/n2/2020/0422/c345167-33967348.html", "约352亩；在第二医教园区内。", "About 352 mu, inside the park.", {"students": 7500}),
    ],
    "culture_sport": [
        ("c_shige", "中国长江诗歌带（文艺品牌）", "Yangtze poetry belt (brand)", "brand", "", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案列为文艺品牌；位置未公布。", "A brand named in the plan; location unpublished.", {}),
        ("c_olympic", "泸州奥林匹克体育公园", "Luzhou Olympic Sports Park", "stadium", "龙马潭区", "existing", (105.4156, 28.9068), 300, "2013", "https://en.wiki.x.io/wiki/Luzhou_Olympic_Sports_Park_Stadium", "与维基所载坐标相差约30米。", "About 30 m from the coordinates that Wikipedia gives.", {"seats": 20883, "area_ha_published": 320 * MU}),
        ("c_tiyu", "体育生态园", "Sports Ecology Park", "sports_park", "江阳区", "existing", (105.4560, 28.8650), 2000, "", "http://www.xiangzhen.org/m/view.php?aid=6363", "179亩。", "179 mu.", {"area_ha_published": 179 * MU}),
        ("c_zhangba", "张坝运动公园", "Zhangba sports park", "sports_park", "江阳区", "existing", (105.4790, 28.8790), 1000, "", "http://www.putiv.cn/i124100.htm", "约200亩；在张坝桂圆林内。", "About 200 mu, inside the longan forest.", {"area_ha_published": 200 * MU}),
        ("c_museum", "中国白酒博物馆·国宝窖池", "China Baijiu Museum and heritage cellars", "museum", "江阳区", "existing", (105.4420, 28.8835), 600, "2025", "https://luzhou.scol.com.cn/sj/202507/83083417.html", "三星街旁；坐标未公布。", "By Sanxing Street; coordinates unpublished.", {}),
        ("c_poetry", "国际诗酒文化大会（活动）", "International Poetry and Wine Congress (event)", "event", "", "existing", None, None, "2021", f"{PLAN} (task 4)", "方案列为精品活动；无固定场馆位置。", "An event named in the plan; no fixed place.", {}),
    ],
    "consumption": [
        ("s_auto", "驭见纳溪·汽车消费公园", "Naxi Auto Park", "auto_park", "纳溪区", "existing", (105.3950, 28.7850), 2500, "2025", "https://luzhou.scol.com.cn/sj/202507/83083417.html", "4平方公里；东升街道，坐标未公布。", "4 km²; Dongsheng; coordinates unpublished.", {"area_ha_published": 400.0}),
        ("s_sanxing", "三星街“酒要会”", "Sanxing Street Jiuyaohui", "themed_street", "江阳区", "existing", (105.4415, 28.8830), 600, "2025", "https://luzhou.scol.com.cn/sj/202507/83083417.html", "紧邻中国白酒博物馆。", "Beside the baijiu museum.", {}),
        ("s_jiangdai", "中国酒城·长江生态旅游带", "Wine City Yangtze eco-tourism belt", "system", "", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案列为核心载体；范围未公布。", "The plan's main carrier; extent unpublished.", {}),
        ("s_wuda", "五大绿心", "Five green hearts", "system", "", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案提及；名称与位置未公布。", "Named in the plan; members and places unpublished.", {}),
        ("s_shida", "十大缤纷绿道", "Ten colourful greenways", "system", "", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案提及；名称与位置未公布。", "Named in the plan; members and places unpublished.", {}),
        ("s_sanda", "三大更新活力区", "Three renewal areas", "system", "", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案提及；名称与位置未公布。", "Named in the plan; members and places unpublished.", {}),
    ],
    "finance": [
        ("f_centre", "中国泸州·金融中心", "China Luzhou Financial Centre", "finance_district", "江阳区", "announced", None, None, "2021", f"{PLAN} (task 4)", "方案提及。", "Named in the plan.", {}),
    ],
    "agri_leisure": [
        ("a_dongyunba", "董允坝现代农业示范园（“蔬式生活”）", "Dongyunba farm park", "vegetables", "江阳区", "existing", (105.5650, 28.8280), 2500, "2020", "https://chuannan.net/zixun/13713.html", "规划20000亩，建成13000亩；分水岭镇董允坝村，距城区约11公里。", "20,000 mu planned, 13,000 built; Dongyunba village, about 11 km from the city.", {"area_ha_published": 13000 * MU}),
        ("a_meiling", "梅岭茶叶公园", "Meiling tea park", "tea", "纳溪区", "existing", (105.3800, 28.6000), 3000, "2024", "http://ny26zhong.com/n2/2024/0325/c345167-40787112.html", "梅岭村46平方公里，茶园5万亩；护国镇，坐标未公布。", "Meiling village 46 km², 50,000 mu of tea; Huguo; coordinates unpublished.", {"area_ha_published": 4600.0}),
        ("a_yuwan", "双加“十里渔湾”", "Shuangjia fishing bay", "fishery", "龙马潭区", "existing", (105.4320, 29.0240), 3000, "2021", "http://lzby.lzep.cn:8088/lzrb/202107/01/content_152388.html", "双加镇；面积与坐标未公布。", "Shuangjia; area and coordinates unpublished.", {}),
        ("a_yunshan", "大旺“云山竹海”", "Dawang bamboo sea", "bamboo", "纳溪区", "existing", None, None, "2021", f"{PLAN} (task 6)", "方案提及；位置未公布。", "Named in the plan; location not in the published facts.", {}),
        ("a_yishan", "依山休闲农业带（梅岭山—白云山—普照山）", "Hill belt (Meiling–Baiyun–Puzhao hills)", "belt", "", "announced", None, None, "2021", f"{PLAN} (task 6)", "方案提及；范围未公布。", "Named in the plan; extent unpublished.", {}),
        ("a_bangshui", "傍水休闲农业带（沿长江、沱江）", "River belt (along the Yangtze and Tuo)", "belt", "", "announced", None, None, "2021", f"{PLAN} (task 6)", "方案提及；范围未公布。", "Named in the plan; extent unpublished.", {}),
        ("a_laojiao", "泸州老窖现代农业示范区", "Laojiao modern farm zone", "sorghum", "江阳区", "existing", (105.5880, 28.8700), 3000, "", CHANCHENG, "规划67平方公里；黄舣镇产城大道沿线。", "67 km² planned along Chancheng Avenue, Huangyi.", {"area_ha_published": 6700.0}),
    ],
    "logistics": [
        ("l_container", "泸州港国际集装箱码头", "Luzhou container terminal", "port", "龙马潭区", "existing", (105.5330, 28.8930), 1500, "", "http://bdf.7508854.cn/31944/30320.html", "1000余亩；年吞吐100万标箱、30万辆滚装车，6个泊位。", "Over 1,000 mu; 1 M TEU and 300,000 cars a year, 6 berths.", {"capacity_teu": 1000000}),
        ("l_shilongyan", "石龙岩作业区一区码头", "Shilongyan terminal", "port", "纳溪区", "existing", (105.3520, 28.7620), 1500, "2024-12-28", "http://m.lmtrm.com.cn/2024/1230/67046.html", "158亩，岸线300米，3个泊位，年155万吨；安富街道长江右岸。", "158 mu, 300 m of quay, 3 berths, 1.55 Mt a year; right bank.", {"area_ha_published": 158 * MU}),
        ("l_dajiaoshi", "大脚石码头", "Dajiaoshi terminal", "port", "", "planned", None, None, "2024", "http://m.lmtrm.com.cn/2024/1230/67046.html", "仅见名称。", "Published by name only.", {}),
        ("l_behind", "江北港口后方物流园区", "Port-side logistics parks", "logistics_park", "龙马潭区", "existing", (105.5280, 28.8990), 1500, "", "https://www.scxd56.net/488/11538/749741", "3000余亩；在集装箱码头后方。", "Over 3,000 mu behind the container terminal.", {}),
        ("l_shuangjia", "隆黄铁路泸州双加物流园", "Shuangjia rail logistics park", "rail_freight", "龙马潭区", "planned", (105.4250, 29.0200), 3000, "2025", "https://luzhou.gov.cn/xw/jrxx/content_1128732", "双加镇，面积未公布。", "Shuangjia; area unpublished.", {}),
        ("l_hsr_express", "泸州高铁快运物流基地", "High-speed rail express base", "rail_freight", "龙马潭区", "planned", (105.4410, 28.9480), 2000, "", "https://chuannan.net/toutiao/224482.html", "泸州站附近，面积未公布。", "Near Luzhou station; area unpublished.", {}),
        ("l_station", "泸州站（高铁站）", "Luzhou railway station", "station", "龙马潭区", "existing", (105.4430, 28.9430), 1000, "2020", "https://m.yybnet.net/luzhou/news/202003/10261099.html", "东齐关路、南千凤路、西春雨路、北九狮路；站场约6.37公顷。", "North of Qianfeng Rd; yard about 6.37 ha.", {"area_ha_published": 6.37}),
        ("l_east", "泸州东站", "Luzhou East station", "station", "", "existing", None, None, "2021", "https://m.qi18.com/shlvyou/kzrrywtfyqiyibaafsrxyfjtf", "泸县云锦镇卫和村，三区之外。", "In Lu County, outside the three districts.", {}),
        ("l_airport", "泸州云龙机场", "Luzhou Yunlong Airport", "airport", "", "existing", (105.46917, 29.02972), 500, "2018-09-10", "https://www.chinairport.net/airport/404", "跨泸县与龙马潭区，公布坐标落在龙马潭界外；4700亩，跑道2800×50米。坐标未声明坐标系。", "On the border with Lu County, the published point just outside Longmatan; 4,700 mu, runway 2,800 × 50 m. System of the coordinates not stated.", {"area_ha_published": 4700 * MU}),
        ("l_lantian", "泸州蓝田机场（旧，已停民航）", "Lantian Airport (old, closed)", "airport_closed", "江阳区", "existing", (105.39111, 28.85278), 500, "2018", "https://en.wikipedia.org./wiki/Luzhou_Lantian_Airport", "民航2017–2018年停用。坐标取自维基。", "Civil use ended 2017–2018. Coordinates from Wikipedia.", {}),
    ],
    "renewal": [
        ("r_xueshi", "学士山片区", "Xueshishan area", "renewal", "龙马潭区", "planned", (105.4480, 28.9120), 800, "2022", "https://www.luzhou.gov.cn/sq/lylz/stmk/s2/content_987028", "约3253亩；公园、宝莲街—蒋兆和故居历史街区、滨江修复。", "About 3,253 mu: park, historic block, riverside repair.", {"area_ha_published": 216.9}),
        ("r_dahe", "大河街历史文化街区", "Dahe Street", "historic_street", "江阳区", "existing", (105.4428, 28.8905), 500, "", "http://m.qterp.net/news/6224661", "沿江500余米，会津门城墙旁。", "Over 500 m by the river at the city wall.", {}),
        ("r_sanxing", "三星街更新", "Sanxing Street renewal", "renewal", "江阳区", "existing", (105.4412, 28.8832), 600, "2025", "https://chengdu.jiangongdata.com/urbanhubpolicydetail/401470835.html", "酒文化更新项目。", "Wine-culture renewal.", {}),
        ("r_yongan", "永安十一巷", "Yong'an Lane 11", "renewal", "", "planned", None, None, "2026", "https://chengdu.jiangongdata.com/urbanhubpolicydetail/401470835.html", "样板片区之一；位置未公布。", "A sample area; location unpublished.", {}),
        ("r_qiancao", "茜草三线遗址", "Qiancao Third-Front heritage", "industrial_heritage", "江阳区", "existing", (105.4660, 28.8970), 1000, "2020", "https://freewechat.com/a/MzA3ODgxNjgyNg==/2649581113/1", "工业遗产规划核心之一。", "In the core of the industrial-heritage plan.", {}),
    ],
}  # fmt: skip

#: Points whose coordinates are published rather than drawn.
PUBLISHED_POINTS = {"l_airport", "l_lantian"}

# Built-up patches: (id, name_zh, name_en, district, outline); grown together until they make up the published area.
BUILT_UP = [
    ("bu_old", "江阳老城与城西", "Old town and west", "江阳区", [(105.447, 28.895), (105.437, 28.889), (105.423, 28.881), (105.402, 28.884), (105.393, 28.898), (105.372, 28.890), (105.366, 28.870), (105.380, 28.868), (105.41, 28.872), (105.44, 28.876), (105.449, 28.884)]),
    ("bu_qiancao", "茜草—沙茜", "Qiancao and Shaxi", "江阳区", [(105.462, 28.903), (105.474, 28.900), (105.479, 28.880), (105.487, 28.866), (105.470, 28.860), (105.455, 28.866), (105.466, 28.885)]),
    ("bu_lantian", "蓝田—城南", "Lantian and Chengnan", "江阳区", [(105.425, 28.856), (105.452, 28.862), (105.462, 28.850), (105.450, 28.836), (105.430, 28.838), (105.418, 28.846)]),
    ("bu_taian", "泰安—高新区", "Tai'an and high-tech zone", "江阳区", [(105.488, 28.862), (105.520, 28.860), (105.530, 28.852), (105.505, 28.844), (105.484, 28.848)]),
    ("bu_linyu", "邻玉", "Linyu", "江阳区", [(105.372, 28.842), (105.388, 28.850), (105.386, 28.838), (105.378, 28.830)]),
    ("bu_huangyi", "黄舣（白酒园区）", "Huangyi (baijiu park)", "江阳区", [(105.572, 28.890), (105.592, 28.898), (105.598, 28.880), (105.578, 28.874)]),
    ("bu_xiaoshi", "小市—莲花池—城北", "Xiaoshi and north bank", "龙马潭区", [(105.424, 28.892), (105.436, 28.902), (105.448, 28.914), (105.452, 28.926), (105.440, 28.944), (105.420, 28.934), (105.404, 28.920), (105.416, 28.905)]),
    ("bu_luohan", "鱼塘—罗汉—临港", "Yutang, Luohan and port", "龙马潭区", [(105.458, 28.918), (105.482, 28.914), (105.494, 28.898), (105.500, 28.882), (105.526, 28.886), (105.528, 28.906), (105.512, 28.922), (105.488, 28.936), (105.462, 28.932)]),
    ("bu_anning", "安宁—石洞", "Anning and Shidong", "龙马潭区", [(105.438, 28.950), (105.458, 28.952), (105.456, 28.966), (105.444, 28.968)]),
    ("bu_naxi", "纳溪城区", "Naxi town", "纳溪区", [(105.365, 28.774), (105.384, 28.788), (105.398, 28.778), (105.384, 28.764), (105.372, 28.760)]),
    ("bu_changshi", "长湿新城", "Changshi new town", "纳溪区", [(105.392, 28.838), (105.404, 28.840), (105.404, 28.822), (105.394, 28.818)]),
]  # fmt: skip

#: Small towns whose whereabouts are published: half a square kilometre of built-up land each.
TOWN_PATCHES = {
    "fenshui": ("分水岭镇", "江阳区"),
    "tongtan": ("通滩镇", "江阳区"),
    "huayang": ("华阳街道", "江阳区"),
    "kuangchang": ("况场街道", "江阳区"),
    "hushi": ("胡市镇", "龙马潭区"),
    "shidong": ("石洞街道", "龙马潭区"),
    "shuangjia": ("双加镇", "龙马潭区"),
    "texing": ("特兴街道", "龙马潭区"),
    "dadukou": ("大渡口镇", "纳溪区"),
    "huguo": ("护国镇", "纳溪区"),
}
