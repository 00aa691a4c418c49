"""Objects of OpenStreetMap: which of them the plan's features are, and which layer the rest belongs to.

The first table is checked by hand: name, district and what stands around agree. A middle of an outline is known to
50-100 m for buildings and to 300 m for campuses and large parks.
"""

from __future__ import annotations

#: osm_id: (layer, feature, accuracy in m). The plan's feature is this object.
MATCHED = {
    "980172885": ("hospitals", "h_renmin_shaxi", 100),
    "729848724": ("hospitals", "h_tcm_chengnan", 100),
    "607932126": ("hospitals", "h_swmu_zhong", 100),
    "729848739": ("hospitals", "h_swmu_kang", 300),
    "607932125": ("education", "e_swmu_zhong", 300),
    "615538341": ("education", "e_swmu_north", 300),
    "615538360": ("education", "e_lzvtc", 300),
    "607932128": ("education", "e_police", 300),
    "955933781": ("education", "e_qixie", 300),
    "975429878": ("parks", "park_beibin", 300),
    "975429879": ("parks", "park_beibin", 300),
    "980475428": ("parks", "park_yuzixi", 300),
    "607932122": ("parks", "park_zhongshan", 300),
    "611942461": ("parks", "park_zhangba", 300),
    "979355687": ("parks", "park_dongyan", 300),
    "980182530": ("parks", "park_changshi", 300),
    "753623526": ("parks", "park_yudaihe", 300),
    "953072826": ("parks", "park_longjianxi", 300),
    "979580328": ("parks", "park_yangdashan", 300),
    "617548996": ("parks", "park_jiangyang", 300),
    "955930868": ("parks", "park_lianjiang", 300),
    "662364551": ("culture_sport", "c_olympic", 100),
    "753623533": ("culture_sport", "c_tiyu", 300),
    "1208017401": ("industrial_parks", "ip_longma", 300),
    "978769349": ("industrial_parks", "ip_hengli", 300),
    "978847351": ("industrial_parks", "ip_zongbao", 300),
    "609665245": ("logistics", "l_container", 300),
    "915698192": ("logistics", "l_station", 100),
    "729937744": ("finance", "f_centre", 100),
    "978782690": ("renewal", "r_qiancao", 300),
}

#: Objects beside a feature that has no object of its own: (osm_id, layer, condition).
BESIDE = [
    ("5772741402", "roads", "id=cityhall_y4"),
    ("5174808297", "townships", "seat_of=大渡口镇"),
    ("615778739", "townships", "seat_of=况场街道"),
    ("1076864836", "townships", "seat_of=鱼塘街道"),
    ("979673481", "townships", "seat_of=蓝田街道"),
    ("981828152", "townships", "seat_of=黄舣镇"),
    ("981828152", "industrial_parks", "id=ip_baijiu"),
    ("981755436", "industrial_parks", "id=ip_baijiu"),
    ("978840512", "industrial_parks", "id=ip_lingang"),
    ("609665245", "industrial_parks", "id=ip_lingang"),
    ("611942461", "culture_sport", "id=c_zhangba"),
    ("955933782", "education", "id=e_med2"),
]
