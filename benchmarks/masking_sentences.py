"""The sentences around the values of generated masking cases. `{}` is the value of its kind; elsewhere values are named."""

from __future__ import annotations

CARRIERS: dict[str, dict[str, list[str]]] = {
    "en": {
        "email": [
            "Could you send the notes to {}? I was ill yesterday.", "{} is my private address", "my mail: {}",
            "I have written to {} three times and nobody cares.", "contact {} for a refund!!", "ok so it's {}, all lower case",
            "Subject: complaint\nFrom: {}\n\nI am furious.", "she never replied ({})", "CC {}, please", "E-mail me at {} 😊",
            "whoever has {} in their contacts, tell him I miss him", "reply-to={}",
        ],
        "phone": [
            "You can call me at {} any time.", "my number is {}, text first please", "Phone: {}", "{} <- new phone, who dis",
            "I rang {} and cried for an hour", "Tel {} (ask for the nurse)", "here is my cell {} in case you need to talk",
            "The taxi driver's number was {}.", "please call back on {}", "Mobile: {}; I am free after six",
            "who keeps calling from {}?", "WhatsApp me {} 🙏",
        ],
        "card": [
            "My card number is {} and it was charged twice.", "{} exp 04/29", "pay with {} please", "They stored {} in plain text!",
            "Visa or whatever: {}", "the shop printed {} on the receipt", "cancel my card {} right now", "card: {}",
            "I gave a stranger {} over the phone, I feel so dumb", "Use {}, CVC 123.", "credit card no. {}, declined",
        ],
        "bank_card": [
            "My UnionPay card {} does not work abroad.", "I sent it to bank card {} in Shenzhen", "card {} was swallowed by the ATM",
            "pay my brother: {}", "debit card: {}", "the scammer used {}, please block it", "Bank of China card {}.",
        ],
        "iban": [
            "Please transfer the deposit to {}.", "IBAN {}", "my account: {}, thanks", "rent goes to {} every month",
            "Is {} still your account?", "I wired 400 to {} and never got the shoes", "{} (my mother's account)", "iban={}",
        ],
        "ip": [
            "Somebody logged in from {} last night.", "ban {}", "the server at {} is down again", "my ip is {} apparently",
            "Blocked: {}", "requests from {}, thousands of them", "I can ping {} but nothing else", "source={}",
            "{} tried to guess my password", "traced the troll to {}, he lives next door",
        ],
        "url": [
            "I pasted {} into the group chat, oh no", "see {}", "the log shows {}", "clone from {} please", "Is {} safe to share?",
            "this link ({}) lets anyone in", "He e-mailed me {} by mistake.", "curl {}",
        ],
        "cn_id": [
            "My Chinese ID number is {}.", "ID card {} was rejected", "they asked for my identity number {} at the hotel",
            "resident ID: {}", "I uploaded {} to a fake site, what now?", "{} is on my train ticket",
        ],
        "cn_company": [
            "The supplier's credit code is {}.", "invoice to {}", "tax id {} belongs to a shell company", "Unified social credit code: {}",
        ],
        "wechat": [
            "add me on WeChat: {}", "My WeChat ID is {}", "WeChat {} if you want to talk", "wechat: {}", "Wechat id: {}, say hi",
        ],
        "address": [
            "I live at {}.", "Please deliver to {}", "we moved to {} in May", "The party is at {}, bring cake!", "Address: {}",
            "the house at {} burned down last night", "ship to: {}", "my ex still gets mail at {} and it hurts",
            "Meet me in front of {} at noon", "{} is where I grew up",
        ],
        "name": [
            "My name is {} and I need help.", "Hello, my name is {}.", "Dr. {} was so kind to me", "Mrs. {} shouted at my son",
            "Dear Mr. {}, I am writing to complain.", "Patient: {}", "Name: {}", "my name's {}, I'm new here",
            "This is {} speaking, who is this?", "I talked to Ms. {} for two hours", "Prof. {} failed me again", "I am {}, your neighbour.",
        ],
    },
    "zh": {
        "email": [
            "请把资料发到{}，谢谢！", "我的邮箱是{}", "邮箱：{}", "有问题联系{}", "给{}写了三封信都没人回，气死", "简历投{}吧",
            "这个{}是骗子的邮箱，大家小心", "发我邮箱 {} 😊", "邮件：{}；电话不方便", "收件地址{}写错了",
        ],
        "phone": [
            "我的电话是{}", "有事打{}", "手机号：{}", "联系电话{}，找小李", "{}这个号码一直骚扰我", "请拨打{}预约", "电话（{}）没人接",
            "走失老人，看到请联系{}，万分感谢！", "加我{}", "他换号了，现在用{}", "快递员{}态度特别差", "Tel：{}",
        ],
        "card": [
            "我的信用卡{}被盗刷了", "卡号：{}", "用{}付的钱，退到哪里？", "Visa卡{}，有效期04/29", "商家把{}存下来了，好可怕", "{}这张卡已挂失",
        ],
        "bank_card": [
            "请打到我的银行卡{}", "卡号{}，户名是我妈", "工资卡：{}", "转账到{}了，查收", "我的卡{}余额只剩两块钱😭", "收款账号 {}",
            "骗子的卡号是{}，大家别转", "银行卡号：{}，建设银行", "{}是我的储蓄卡",
        ],
        "iban": ["德国账户{}", "国际汇款到{}", "IBAN：{}", "请转到{}，学费", "他的海外账号是{}。"],
        "ip": [
            "昨晚有人从{}登录我的账号", "IP：{}", "服务器{}又崩了", "封掉{}吧", "我的地址是{}吗？", "来自{}的攻击", "查了一下，{}在外地",
        ],
        "url": ["我把{}发到群里了", "链接：{}", "谁有空看看 {} 能不能打开", "日志里有{}，危险", "下载地址{} 快点"],
        "cn_id": [
            "我的身份证号是{}", "身份证：{}", "证件号码{}，请核对", "住宿登记要{}这个号码", "实名认证填了{}还是不通过", "{}，这是我爸的身份证",
            "身份证号码 {} 被人冒用贷款", "ID：{}",
        ],
        "cn_company": [
            "统一社会信用代码：{}", "税号{}", "开票信息：{}", "公司的信用代码是{}，请查", "这家公司（{}）欠薪不给", "纳税人识别号 {}",
        ],
        "cn_plate": [
            "{}这辆车乱停", "车牌号{}", "刚才{}差点撞到我，吓死了", "我的车牌是{}", "请{}的车主挪车", "举报{}逆行", "网约车{}司机人很好",
            "拍到了，{}，跑不了", "一辆{}的白色轿车",
        ],
        "wechat": ["加我微信：{}", "微信号{}", "我的微信是{}", "vx：{}", "加V：{}", "微信：{}，备注一下", "WX {}", "加微信 {} 聊聊"],
        "qq": ["QQ：{}", "我的QQ是{}", "qq号{}", "加QQ {}", "扣扣：{}", "QQ群{}欢迎大家", "有事Q我，QQ号码：{}"],
        "address": [
            "我住在{}", "寄到{}，谢谢", "地址：{}", "收货地址是{}", "快递请送到{}。", "我家在{}，欢迎来玩", "昨天{}着火了，好害怕", "公司搬到{}了",
            "住址：{}，电话不变", "约在{}见面",
        ],
        "name": [
            "我叫{}，心情很差", "大家好，我叫{}。", "姓名：{}", "联系人：{}", "收件人：{}", "我的名字是{}", "{}先生您好", "{}女士投诉了两次",
            "患者{}，男", "他叫{}，是我弟弟", "本人{}，同意以上条款",
        ],
    },
}  # fmt: skip
# Kinds that were added later: their cases follow all others, which stay as they were.
ADDED: dict[str, dict[str, list[str]]] = {
    "en": {
        "hk_id": ["My HKID is {}.", "Hong Kong ID card: {}", "they copied my HKID {} at the counter", "HK ID {}, please check"],
        "tw_id": ["my Taiwan ID is {}", "Taiwanese national ID: {}", "ID number {} from Taiwan is rejected", "{}"],
        "macau_id": ["my Macau ID card is {}", "Macao BIR: {}", "Macau identity card number {}, expired"],
        "passport": [
            "my passport number is {}", "Passport: {}", "passport no. {} was stolen", "I need a visa in passport {}",
            "his passport ({}) is at the embassy", "travel document {}", "PASSPORT NUMBER: {}",
        ],
        "birth_date": ["I was born on {}", "date of birth: {}", "DOB {}", "Birthday: {}", "my daughter, born {}, is ill", "birth date {}"],
        "password": ["my password is {}", "Password: {}", "pwd={}", "login with password {} please", "the passcode is {}", "passwd: {}"],
        "api_key": ["API key: {}", "I leaked {} on GitHub", "token={}", "my api key is {}, revoke it", "export KEY={}", "{}"],
    },
    "zh": {
        "hk_id": ["我的香港身份证号是{}", "香港身份證：{}", "身份證號碼 {}", "HKID：{}"],
        "tw_id": ["台湾身份证{}", "身分證字號：{}", "我的居留證號是{}", "身分證號 {} 被盜用"],
        "macau_id": ["澳门身份证{}", "澳門居民身份證號碼：{}", "澳门居民身份证 {}"],
        "passport": ["护照号{}", "我的护照号码是{}", "護照：{}", "港澳通行证{}过期了", "通行证号码 {}", "护照（{}）丢了"],
        "birth_date": ["出生日期：{}", "我的生日是{}", "他出生于{}", "生日{}，双鱼座", "生于{}"],
        "password": ["密码：{}", "我的密码是{}", "密码{}", "登录密码是 {}", "WiFi密码：{}", "口令：{}"],
        "api_key": ["密钥：{}", "API密钥是{}", "我的token：{}", "把{}传到网上了", "令牌 {}"],
    },
}  # fmt: skip
MIXED = {
    "en": [
        "My name is {name}, call {phone} or write to {email}.", "Order for Mr. {name}: {address}. Card {card}.",
        "{email} / {phone}", "login {ip} as {email}, I never did that!", "I paid {iban} and {card}, both times for nothing",
        "{phone}\n{address}\nI just want my parcel", "Dr. {name} ({email}) said it is nothing serious",
        "Name: {name}\nE-mail: {email}\nPhone: {phone}\nAddress: {address}",
    ],
    "zh": [
        "我叫{name}，电话{phone}，住在{address}", "姓名：{name}，身份证号：{cn_id}", "微信：{wechat}，手机：{phone}", "收件人：{name}，{phone}，{address}",
        "银行卡{bank_card}，户主{phone}", "车牌{cn_plate}，车主电话{phone}", "{name}先生，您的邮箱{email}和QQ：{qq}已登记",
        "税号{cn_company}，邮箱{email}，开户卡{bank_card}",
    ],
}  # fmt: skip
PLAIN = {
    "en": [
        "my order {number} is still missing and I hate this shop", "Ticket #{six} has been open since {year}", "It is {hour}:{minute} and I can't sleep",
        "we won {small}-{small}!!!", "on {year}-{month}-{day} everything changed", "it was {month}/{day}/{year}, I remember it well",
        "that will be ${cents}, she said, smiling", "version {small}.{small}.{small} broke everything", "upgraded to v{small}.{small}.{four} today",
        "the card {broken_card} is fake, the check fails", "IBAN {broken_iban} is wrong", "my id {broken_id} has a typo", "code {broken_company} is not valid",
        "serial number {luhn}, bought in {year}", "I have {number} reasons to be happy", "chapter {small}, verse {small}", "room {four} smells",
        "#mood{small} #fail{year}", "@{first}{small} you made my day", "lol :{small} :-) xD", "only {small}% left and no charger",
        "{first} is the best friend ever", "I love {first} so much it hurts", "{small} Days of Summer is a sad film", "level {small}, {six} points, new record!",
        "ISBN 978-{small}-{four}-{four}-3 is out of print", "{small} people on the street were dancing", "drove {four} miles, {small} of them in the rain",
        "between {hour}:{minute} and {hour}:{minute} nobody answered", "the temperature was {small}.{small} degrees",
        "hash 9f{number}ab was not found", "flight {small}{four} is delayed again, crying",
    ],
    "zh": [
        "订单{number}怎么还没到", "快递单号{number}查不到", "现在{hour}:{minute}，睡不着", "{small}:{small}，赢了！", "{year}年{month}月{day}日，难忘",
        "{year}-{month}-{day}的照片", "一共{cents}元，太贵", "版本{small}.{small}.{small}很卡", "系统升级到{small}.{small}.{small}.{four}",
        "卡号{broken_card}不存在", "身份证{broken_id}校验失败", "代码{broken_company}有误", "编号{luhn}的商品", "积分{six}，等级{small}",
        "#打卡第{small}天# 加油", "@小明{small} 生日快乐", "哈哈哈{four}", "电量只剩{small}%了", "{small}号线今天停运", "我在{small}楼等你",
        "房间{four}太吵", "高考考了{small}{small}分", "从{hour}点等到{hour}点", "气温{small}.{small}度", "{small}个人在街上跳舞", "中奖号码{small} {small} {small} {small}",
        "书号978-7-{small}{four}-{four}-1", "转发{six}次了", "股票{six}跌停，想哭", "第{small}章第{small}节", "我叫你{hour}点来", "新增确诊{small}例，累计{six}例",
    ],
}  # fmt: skip
