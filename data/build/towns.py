"""The 39 townships and streets of the 2022 list, and what their positions rest on."""

from __future__ import annotations

SOURCE = "https://github.com/modood/Administrative-divisions-of-China (dist/streets.csv @ dc3a1d7)"

#: Code, name, pinyin, place of the road network (None: not drawn), why it is put there (Chinese, English).
TOWNSHIPS = [
    ("510502001", "南城街道", "Nancheng", None, "", ""),
    ("510502002", "北城街道", "Beicheng", None, "", ""),
    ("510502003", "大山坪街道", "Dashanping", None, "", ""),
    ("510502004", "邻玉街道", "Linyu", "linyu", "长江六桥、七桥", "Yangtze Bridges 6 and 7"),
    ("510502005", "蓝田街道", "Lantian", "lantian", "长江四桥", "Yangtze Bridge 4"),
    ("510502006", "茜草街道", "Qiancao", "qiancao", "长江二桥、三桥", "Yangtze Bridges 2 and 3"),
    ("510502007", "华阳街道", "Huayang", "huayang", "长江七桥", "Yangtze Bridge 7"),
    ("510502009", "泰安街道", "Tai'an", "taian", "长江一桥", "Yangtze Bridge 1"),
    ("510502010", "况场街道", "Kuangchang", "kuangchang", "沱江七桥", "Tuo Bridge 7"),
    ("510502103", "黄舣镇", "Huangyi", "huangyi", "产城大道", "Chancheng Avenue"),
    ("510502106", "通滩镇", "Tongtan", "tongtan", "沱江绿道走廊上端", "the upper end of the Tuo greenway corridor"),
    ("510502107", "江北镇", "Jiangbei", None, "", ""),
    ("510502108", "方山镇", "Fangshan", None, "", ""),
    ("510502109", "丹林镇", "Danlin", None, "", ""),
    ("510502110", "分水岭镇", "Fenshuiling", "fenshui", "董允坝距城区约11公里", "Dongyunba, about 11 km from the city"),
    ("510503001", "安富街道", "Anfu", None, "", ""),
    ("510503002", "永宁街道", "Yongning", None, "", ""),
    ("510503003", "东升街道", "Dongsheng", None, "", ""),
    ("510503100", "大渡口镇", "Dadukou", "dadukou", "酒镇酒庄北临长江、南接凤凰湖", "the wine town between the Yangtze and Fenghuang Lake"),
    ("510503101", "护国镇", "Huguo", "huguo", "GeoNames", "GeoNames"),
    ("510503102", "打古镇", "Dagu", None, "", ""),
    ("510503103", "上马镇", "Shangma", None, "", ""),
    ("510503104", "合面镇", "Hemian", None, "", ""),
    ("510503106", "丰乐镇", "Fengle", None, "", ""),
    ("510503107", "白节镇", "Baijie", None, "", ""),
    ("510503108", "天仙镇", "Tianxian", None, "", ""),
    ("510503109", "新乐镇", "Xinle", None, "", ""),
    ("510503111", "龙车镇", "Longche", None, "", ""),
    ("510504001", "小市街道", "Xiaoshi", "xs1", "沱江一桥", "Tuo Bridge 1"),
    ("510504003", "红星街道", "Hongxing", None, "", ""),
    ("510504004", "莲花池街道", "Lianhuachi", None, "", ""),
    ("510504005", "罗汉街道", "Luohan", "luohan", "长江二桥", "Yangtze Bridge 2"),
    ("510504006", "鱼塘街道", "Yutang", "yutang", "长江经开区核心区", "the core of the development zone"),
    ("510504007", "安宁街道", "Anning", "anning", "泸州站", "Luzhou station"),
    ("510504008", "石洞街道", "Shidong", "shidong", "云龙机场", "Yunlong Airport"),
    ("510504009", "特兴街道", "Texing", "texing", "长江经开区核心区", "the core of the development zone"),
    ("510504103", "胡市镇", "Hushi", "hushi", "南滨路、沱江七桥", "Nanbin Road and Tuo Bridge 7"),
    ("510504106", "双加镇", "Shuangjia", "shuangjia", "云龙机场", "Yunlong Airport"),
    ("510504107", "金龙镇", "Jinlong", None, "", ""),
]  # fmt: skip
