"""What generated masking cases are about, as people write it: contacts, places, people; numbers in their many spellings."""

from __future__ import annotations

import datetime
import random

from masking_numbers import (
    bank_card,
    by_luhn,
    card,
    cn_company,
    cn_id,
    digits,
    hong_kong_id,
    iban,
    macau_id,
    passport,
    pick,
    taiwan_id,
    words,
)  # fmt: skip

FIRST = words(
    "Emma Noah Aisha Mateo Ingrid Tomasz Chloe Rahul Yuki Fatima Liam Zanele Greta Diego Hannah Omar "
    "Sofia Patrick Mei Lars Nadia Samuel Beatriz Kwame Elif Jonas Ruth Vikram Eilidh Marco Tessa Abdul "
    "Wendy Gareth Olga"
)
LAST = words(
    "Thompson Okoye Fernandez Lindgren Kowalski Iyer Nakamura Haddad Murphy Dlamini Schneider Castillo "
    "Weber Rossi Novak Petersen Bennett Osei Demir Hughes Ivanova Lambert Vasquez Chaudhry MacLeod Sato "
    "Barros Keller Fontaine Yilmaz O'Brien Sinclair-Wood"
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
TWO_SURNAMES = ("欧阳", "上官", "司徒", "诸葛", "东方", "慕容", "尉迟", "夏侯")
GIVEN = words(
    "伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 超 秀兰 霞 平 桂英 雨桐 子涵 欣怡 浩然 梓萱 思远 若曦 佳琪 宇轩 诗涵 建华 国强 志远 晓燕 文博 俊杰 雅婷 一鸣 海燕 "
    "春梅 立新 红梅 少华 婉清 泽宇 明哲"
)
WORDS = words(
    "sunny blue river fox maple kite panda storm lemon echo north pixel cloud mango tiger moon amber quiet happy lucky"
)
HOSTS = words(
    "gmail.com outlook.com yahoo.co.uk proton.me icloud.com web.de mail.ru naver.com company.io "
    "st-andrews.ac.uk startup.ai gmx.net example.org posteo.eu"
)
HOSTS_ZH = words(
    "163.com qq.com 126.com sina.com foxmail.com aliyun.com sohu.com 139.com gmail.com pku.edu.cn "
    "corp.com.cn vip.163.com"
)
FULL_WIDTH = {code: code + 0xFEE0 for code in (*range(48, 58), *range(65, 91), *range(97, 123), ord("@"), ord("."))}
MOBILE = words(
    "130 131 132 133 135 136 137 138 139 147 150 151 152 155 157 158 159 166 170 173 176 177 178 180 182 "
    "185 187 188 189 191 198 199"
)
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE_SIGNS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
STREETS = words(
    "Maple Oak Church High Mill Victoria Station Cedar Elm Washington Lincoln Park Highland Chestnut "
    "King's Meadow Willow Spring Franklin Bridge Sunset Pleasant"
)
STREET_ENDS = words(
    "Street St. St Avenue Ave Road Rd. Rd Lane Drive Dr Boulevard Blvd Court Way Place Terrace Crescent Close"
)
TOWNS = (
    "Springfield, IL 62704", "Austin, TX 78701", "Portland, OR 97205", "Dayton, Ohio 45402", "Leeds LS1 4AP",
    "Manchester M1 2WD", "Cardiff CF10 1EP", "Brooklyn, NY 11215", "Tacoma, WA 98402", "Edinburgh EH1 1YZ",
    "Boise, ID 83702-1234", "Toronto, ON M5V 2T6",
)  # fmt: skip
CITIES_ZH = words(
    "北京市朝阳区 上海市静安区 广东省广州市天河区 江苏省苏州市吴中区 四川省成都市锦江区 湖北省武汉市江汉区 山东省青岛市市南区 辽宁省大连市中山区 陕西省西安市碑林区 福建省福州市鼓楼区 "
    "浙江省宁波市海曙区 云南省昆明市五华区 杭州市余杭区 深圳市福田区 长沙市开福区 郑州市金水区 河北省石家庄市正定县 广西壮族自治区南宁市青秀区"
)
STREETS_ZH = words(
    "人民路 解放路 建设大道 和平街 新华路 长江路 东风西路 学院路 文化路 滨河大道 胜利街 迎宾大道 体育东路 青年路 花园街 幸福里 光明巷"
)


def respelt(rng: random.Random, number: str, groups: tuple[int, ...]) -> str:
    """The number plain, in groups with blanks or hyphens or dots, in full width, or with characters nobody sees."""
    form = rng.random()
    if form < 0.4:
        return number
    if form < 0.85:
        parts, at = [], 0
        for size in groups:
            parts.append(number[at : at + size])
            at += size
        parts.append(number[at:])
        return pick(rng, ("-", " ", " ", " ", "-", ".")).join(part for part in parts if part)
    if form < 0.95:
        return number.translate(FULL_WIDTH)
    middle = 3 + int(rng.random() * (len(number) - 6))
    return number[:middle] + pick(rng, ("\u200b", "\u200c", "\u2060", "\ufeff")) + number[middle:]


def email(rng: random.Random, language: str) -> str:
    if language == "zh":
        user = pick(
            rng,
            (pick(rng, WORDS) + digits(rng, 3), digits(rng, 9), "li." + pick(rng, WORDS), "wang_" + pick(rng, WORDS)),
        )
        host = pick(rng, HOSTS_ZH)
    else:
        first, last = pick(rng, FIRST).lower(), pick(rng, LAST).lower().replace("'", "")
        user = pick(rng, (f"{first}.{last}", f"{first[0]}{last}", f"{first}_{digits(rng, 2)}", f"{pick(rng, WORDS)}-{last}", first,
                          f"{first}+{pick(rng, WORDS)}"))  # fmt: skip
        host = pick(rng, HOSTS)
    form = rng.random()
    if form < 0.75:
        return pick(rng, (f"{user}@{host}", f"{user}@{host}", f"{user}@{host}".upper()))
    if form < 0.83:
        return f"{user}@{host}".translate(FULL_WIDTH)
    at = (
        pick(rng, (" (at) ", "(at)", " [at] ", "[at]", " @ ", " AT "))
        if language == "en"
        else pick(rng, ("(at)", "（at）", "艾特", " @ ", "[at]"))
    )
    dot = pick(rng, (" (dot) ", " dot ", ".", "[dot]")) if at not in (" @ ", "艾特") else "."
    return user + at + host.replace(".", dot)


def phone(rng: random.Random, language: str) -> str:
    if language == "zh":
        if rng.random() < 0.7:
            number = pick(rng, MOBILE) + digits(rng, 8)
            return pick(rng, ("", "", "", "+86 ", "+86", "+86-")) + respelt(rng, number, (3, 4))
        area, length = pick(
            rng,
            (
                ("010", 8),
                ("021", 8),
                ("020", 8),
                ("0755", 8),
                ("028", 8),
                ("0571", 8),
                ("0532", 8),
                ("0371", 8),
                ("0791", 8),
                ("0431", 8),
            ),
        )
        number = pick(rng, "68") + digits(rng, length - 1)
        return pick(
            rng,
            (
                f"{area}-{number}",
                f"{area} {number}",
                f"({area}){number}",
                f"（{area}）{number}",
                f"{area}-{number[:4]} {number[4:]}",
            ),
        )
    area = pick(rng, ["212", "415", "617", "312", "206", "305", "503", "720", "404", "713", "602", "919", "614", "702"])
    a, b = "2345678"[int(rng.random() * 7)] + digits(rng, 2), digits(rng, 4)
    if a.endswith("11"):
        a = a[0] + "34"
    return pick(rng, (
        f"({area}) {a}-{b}", f"{area}-{a}-{b}", f"{area}.{a}.{b}", f"+1 {area} {a} {b}", f"+1-{area}-{a}-{b}", f"1-{area}-{a}-{b}",
        f"({area}){a}-{b}", f"{area} {a} {b}", f"({area}) {a}-{b} ext. {digits(rng, 3)}", f"+1 ({area}) {a}-{b}",
        f"07{pick(rng, '4579')}{digits(rng, 2)} {digits(rng, 6)}".replace("070", "077"), f"+44 7{pick(rng, '4578')}{digits(rng, 2)} {digits(rng, 6)}",
        f"020 7{digits(rng, 3)} {digits(rng, 4)}", f"+49 151 {digits(rng, 8)}", f"+33 6 {digits(rng, 2)} {digits(rng, 2)} {digits(rng, 2)} {digits(rng, 2)}",
        f"+91 9{digits(rng, 4)} {digits(rng, 5)}", f"+61 4{pick(rng, '0123')}{digits(rng, 1)} {digits(rng, 3)} {digits(rng, 3)}",
        f"+86 {pick(rng, MOBILE)} {digits(rng, 4)} {digits(rng, 4)}", f"+34 6{digits(rng, 2)} {digits(rng, 3)} {digits(rng, 3)}",
    ))  # fmt: skip


def ip(rng: random.Random) -> str:
    if rng.random() < 0.65:
        return ".".join(str(1 + int(rng.random() * 253)) for _ in range(4)).replace("127.", "126.")
    parts = [f"{int(rng.random() * 65536):x}" for _ in range(7)]
    head = pick(rng, ("2001", "2a02", "2408", "fe80", "fd12", "2606"))
    return pick(rng, (":".join([head, *parts]), ":".join([head, *parts[:2]]) + "::" + parts[3], head + "::" + parts[0],
                      ":".join([head, *parts[:4]]) + "::" + parts[5]))  # fmt: skip


def url(rng: random.Random) -> str:
    host = f"{pick(rng, ('api', 'app', 'git', 'files', 'login', 'm'))}.{pick(rng, WORDS)}{pick(rng, ('.com', '.io', '.cn', '.com.cn', '.org'))}"
    secret = "".join(
        pick(rng, "abcdefghijkmnpqrstuvwxyzABCDEFGH0123456789_-") for _ in range(8 + int(rng.random() * 24))
    ).strip("_-")
    word = pick(rng, ("token", "access_token", "api_key", "apikey", "key", "password", "passwd", "pwd", "secret", "client_secret", "auth",
                      "sig", "refresh_token", "sessionid"))  # fmt: skip
    return pick(rng, (
        f"https://{host}/v2/items?{word}={secret}", f"http://{host}/?id={digits(rng, 4)}&{word}={secret}&lang=zh",
        f"https://{pick(rng, WORDS)}:{secret}@{host}/repo.git", f"https://{host}/cb#{word}={secret}",
        f"{pick(rng, ('postgres', 'mysql', 'redis', 'mongodb', 'ftp', 'amqp'))}://{pick(rng, WORDS)}:{secret}@{host}:{digits(rng, 4)}/{pick(rng, WORDS)}",
    ))  # fmt: skip


def cn_plate(rng: random.Random) -> str:
    head = pick(rng, PROVINCES) + pick(rng, "ABCDEFGH")
    tail = pick(rng, (
        digits(rng, 5), digits(rng, 5), pick(rng, "ABCDEFGH") + digits(rng, 4), digits(rng, 3) + pick(rng, "KLMNP") + digits(rng, 1),
        pick(rng, "DF") + digits(rng, 5), pick(rng, "DF") + pick(rng, "ABCDEFGHJK") + digits(rng, 4), digits(rng, 5) + pick(rng, "DF"),
    ))  # fmt: skip
    return head + pick(rng, ("", "", "", "·", "·", " ")) + tail


def handle(rng: random.Random) -> str:
    return pick(rng, (pick(rng, WORDS) + digits(rng, 4), f"{pick(rng, WORDS)}_{pick(rng, WORDS)}", "wxid_" + "".join(pick(rng, "abcdefgh0123456789") for _ in range(12)),
                      f"{pick(rng, WORDS)}-{digits(rng, 3)}", pick(rng, WORDS).title() + pick(rng, WORDS).title() + digits(rng, 2)))  # fmt: skip


def qq(rng: random.Random) -> str:
    return pick(rng, "123456789") + digits(rng, 5 + int(rng.random() * 5))


def address(rng: random.Random, language: str) -> str:
    if language == "zh":
        tail = pick(rng, ("", "", f"{1 + int(rng.random() * 20)}号楼{100 + int(rng.random() * 2300)}室", f"{1 + int(rng.random() * 9)}栋{1 + int(rng.random() * 4)}单元{101 + int(rng.random() * 900)}",
                          f"{1 + int(rng.random() * 30)}层", f"院{1 + int(rng.random() * 9)}号楼"))  # fmt: skip
        return f"{pick(rng, CITIES_ZH)}{pick(rng, STREETS_ZH)}{1 + int(rng.random() * 999)}号{tail}"
    street = f"{1 + int(rng.random() * 9800)} {pick(rng, ('', '', '', 'North ', 'W. ', 'East '))}{pick(rng, STREETS)} {pick(rng, STREET_ENDS)}"
    unit = pick(
        rng,
        (
            "",
            "",
            "",
            f", Apt {1 + int(rng.random() * 40)}",
            f", Unit {pick(rng, 'ABCD')}",
            f" #{1 + int(rng.random() * 300)}",
            f", Suite {digits(rng, 3)}",
        ),
    )
    return street + unit + pick(rng, ("", ", " + pick(rng, TOWNS), ", " + pick(rng, TOWNS), ", " + pick(rng, TOWNS)))


def name(rng: random.Random, language: str) -> str:
    if language == "zh":
        return pick(rng, TWO_SURNAMES if rng.random() < 0.05 else SURNAMES) + pick(rng, GIVEN)
    return f"{pick(rng, FIRST)} {pick(rng, LAST)}"


BIRTH_DATES = {
    "en": ("%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%b %d %Y"),
    "zh": ("%Y年%m月%d日", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%m月%d日", "%Y年%m月"),
}
NETWORKS = {
    "en": (
        "Instagram: {}",
        "my Instagram is @{}",
        "Telegram: @{}",
        "Twitter: @{}",
        "Snapchat: {}",
        "Discord: {}",
        "TikTok: @{}",
    ),
    "zh": ("微博：@{}", "抖音号：{}", "小红书号：{}", "快手号{}", "B站ID：{}", "推特：@{}", "支付宝账号：{}"),
}


def birth_date(rng: random.Random, language: str) -> str:
    born = datetime.date(1940, 1, 1) + datetime.timedelta(days=int(rng.random() * 27000))
    return born.strftime(pick(rng, BIRTH_DATES[language]))


def password(rng: random.Random, _: str) -> str:
    one, two = pick(rng, WORDS), pick(rng, WORDS)
    form = pick(rng, ("{a}{d}", "{A}{d}!", "{a}-{b}-{d}", "{A}_{b}{d}", "{d}{a}", "{a}@{d}", "{A}#{B}{d}"))
    return form.format(a=one, b=two, A=one.title(), B=two.title(), d=digits(rng, 2 + int(rng.random() * 3)))


def api_key(rng: random.Random, _: str) -> str:
    def drawn(count: int, signs: str = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789") -> str:
        return "".join(pick(rng, signs) for _ in range(count))

    capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return pick(
        rng,
        (
            lambda: "AKIA" + drawn(16, capitals), lambda: "ghp_" + drawn(36), lambda: "hf_" + drawn(34),
            lambda: "sk-proj-" + drawn(40), lambda: "glpat-" + drawn(20), lambda: "AIza" + drawn(35),
            lambda: "LTAI" + drawn(20), lambda: f"eyJ{drawn(20)}.eyJ{drawn(40)}.{drawn(43)}",
        ),
    )()  # fmt: skip


def network(rng: random.Random, language: str) -> str:
    """A cue with its account, marked."""
    account = pick(rng, WORDS) + pick(rng, ("_", ".", "")) + digits(rng, 2 + int(rng.random() * 3))
    carrier = pick(rng, NETWORKS[language])
    return carrier.replace("@{}", "{{handle|@" + account + "}}").replace("{}", "{{handle|" + account + "}}")


VALUES = {
    "email": email,
    "phone": phone,
    "card": lambda rng, _: _card(rng),
    "bank_card": lambda rng, _: respelt(rng, bank_card(rng), (4, 4, 4, 4)),
    "iban": lambda rng, _: _iban(rng),
    "ip": lambda rng, _: ip(rng),
    "url": lambda rng, _: url(rng),
    "cn_id": lambda rng, _: respelt(rng, pick(rng, (str.upper, str.upper, str.lower))(cn_id(rng)), (6, 8)),
    "cn_company": lambda rng, _: pick(rng, (str, str, str, str.lower))(cn_company(rng)),
    "cn_plate": lambda rng, _: cn_plate(rng),
    "wechat": lambda rng, _: handle(rng),
    "qq": lambda rng, _: qq(rng),
    "address": address,
    "name": name,
    "hk_id": lambda rng, _: hong_kong_id(rng),
    "tw_id": lambda rng, _: taiwan_id(rng),
    "macau_id": lambda rng, _: macau_id(rng),
    "passport": lambda rng, _: passport(rng),
    "birth_date": birth_date,
    "password": password,
    "api_key": api_key,
}


def _card(rng: random.Random) -> str:
    number = card(rng)
    return respelt(rng, number, (4, 6) if len(number) < 16 else (4, 4, 4))


def _iban(rng: random.Random) -> str:
    number = iban(rng)
    if rng.random() < 0.5:
        return number
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def unlike_any(rng: random.Random) -> str:
    """Digits of many lengths that belong to nothing: they begin as no card, phone or identity number does."""
    return pick(rng, "79") + pick(rng, "79") + digits(rng, 8 + int(rng.random() * 14))


def luhn_of_no_scheme(rng: random.Random) -> str:
    return by_luhn(rng, pick(rng, ("70", "80", "99", "10", "0")), 16)
