"""Names of people from openly licensed lists, and the forms in which texts write them."""

import importlib
import random
from dataclasses import dataclass
from pathlib import Path

LATIN = (
    "az_AZ cs_CZ da_DK de_AT de_CH de_DE de_LI de_LU en en_GB en_IE en_IN en_KE en_NG en_NZ en_PK en_TH en_US es_AR es_CA"
    " es_CL es_CO es_ES es_MX et_EE fi_FI fr_BE fr_CA fr_CH fr_DZ fr_FR fr_QC ga_IE ha_NG hr_HR hu_HU id_ID ig_NG is_IS"
    " it_IT lt_LT lv_LV nl_BE nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sk_SK sl_SI sv_SE sw tr_TR tw_GH uz_UZ vi_VN yo_NG zu_ZA"
).split()
ENGLISH = "en_US en_US en en_GB en_IE en_NZ en_IN".split()
OTHER = "bg_BG el_GR mk_MK ru_RU uk_UA hy_AM ka_GE ar_SA ar_AA he_IL fa_IR hi_IN bn_BD".split()

# Romanised names that the lists lack: common knowledge of East Asia, the Arab world, South Asia and Africa.
ROMANISED = {
    "zh": (
        "Wei Fang Min Jing Lei Jun Yan Ling Hui Xia Qiang Yong Jie Ming Xin Yu Hao Chen Bo Peng Tao Lin Mei Na Li Hong Yi Ting Rui Zhi Xiao Xiaoming Jiahui Zihan Yichen Haoran Meiling Guowei Xiuying Yuxuan",
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie Song Tang Deng Han Feng Cao Peng Zeng Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su Lu Ding Ren Shen Yao",
    ),
    "ja": (
        "Yuki Haruto Sota Ren Yuto Sakura Hina Aoi Rin Kenji Hiroshi Takashi Akira Naoki Daisuke Kazuki Ryo Satoshi Makoto Yoko Keiko Michiko Naomi Emi Ayumi Haruka Misaki Tomomi Akifumi Toshimi Shigeru Yumi Mariko Kaito Riku",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi Matsumoto Inoue Kimura Hayashi Shimizu Saito Mori Abe Ikeda Hashimoto Ishikawa Ogawa Okada Fujita Goto Hasegawa Arata Nishiyama Miyazaki Ueda Ono Sakai",
    ),
    "ko": (
        "Min-jun Seo-yeon Ji-woo Ha-eun Do-yun Ji-ho Su-bin Hye-jin Sung-min Jae-hyun Eun-ji Young-ho Minjun Jiwoo Soojin Hyun Dong-hyun Yuna Minji Seungwoo Jisoo Taeyang Chaewon Jin-young Kyung-soo Mi-ra",
        "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song Yoo Hong Jeon Moon Bae Baek Nam Noh Ryu Ko",
    ),
    "vi": (
        "Anh Minh Linh Huy Thao Trang Hoa Tuan Dung Hung Phuong Lan Mai Nam Quan Thi Thu Van Khoa Duc Long Hieu Ngoc Bao Quoc",
        "Nguyen Tran Le Pham Hoang Huynh Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Dinh Truong Cao Lam",
    ),
    "ar": (
        "Ahmed Mohammed Omar Ali Hassan Khalid Youssef Mustafa Ibrahim Karim Tariq Samir Nadia Fatima Aisha Layla Mariam Zainab Noor Huda Salma Rania Amira Yasmin Hala Bilal Hamza Zayd Faisal Sami Walid Mahmoud Abdullah Abdel Leila Dina",
        "Al-Sayed Haddad Mansour Al-Farsi Hassan Ibrahim Khalil El-Amin Nasser Saleh Aziz Rahman Al-Hashimi Ben-Ali Said Farouk Abdallah Hamdan Khoury Bakr Najjar Al-Rashid Qureshi El-Masri Darwish Shaheen Zidane Bouazizi Al-Zahrani Sabbagh",
    ),
    "in": (
        "Aarav Vivaan Aditya Arjun Rohan Priya Ananya Diya Ishaan Kavya Rahul Neha Pooja Sanjay Deepak Anjali Vikram Sunita Raj Lakshmi Meera Karthik Suresh Ramesh Divya Sneha Amit Nikhil Harpreet Gurpreet Aarush Kashvi Nilima Shreya Tanvi Manoj",
        "Sharma Verma Gupta Patel Singh Kumar Reddy Nair Iyer Menon Rao Mehta Shah Joshi Kapoor Chopra Malhotra Bhat Desai Kulkarni Mukherjee Banerjee Chatterjee Das Ghosh Bose Pillai Subramanian Venkatesh Krishnan Raval Jani Sathe Kaur Chandrasekaran Agarwal",
    ),
    "ru": (
        "Alexey Dmitri Sergei Ivan Nikolai Mikhail Andrei Vladimir Yuri Oleg Pavel Boris Olga Tatiana Natalia Svetlana Irina Elena Anastasia Ekaterina Ludmila Alexandr Mstislav Bekbolat Ruslan Timur Zarina Aigul Oksana Olena Bohdan Taras Yaroslav Vasyl",
        "Ivanov Petrov Sidorova Smirnov Volkov Kuznetsov Popova Sokolov Morozov Novikova Fedorov Lebedev Kozlova Orlov Pavlova Romanov Bondarenko Shevchenko Kovalenko Tkachenko Melnyk Kravchenko Bulgakov Yefimov Batukayev Dolgorukova Nazarbayev Akhmetov Lysenko",
    ),
    "af": (
        "Chidi Ngozi Emeka Amara Ifeoma Kwame Ama Kofi Abena Thabo Sipho Nomvula Zanele Tendai Chipo Wanjiru Kamau Otieno Akinyi Olu Tunde Folake Adaeze Chukwuemeka Babatunde Oluwaseun Themba Lerato Naledi",
        "Okafor Okonkwo Adeyemi Mensah Owusu Boateng Nkosi Dlamini Ndlovu Moyo Kamau Mwangi Otieno Wanjiku Abebe Tesfaye Haile Diallo Traore Keita Ndiaye Sow Achebe Obi Eze Nwosu Balogun Afolabi Banda Phiri",
    ),
}  # fmt: skip


@dataclass
class People:
    """Given and family names by culture."""

    given: dict[str, list[str]]
    family: dict[str, list[str]]
    census_given: list[str]
    census_family: list[str]


def _faker(locale: str) -> tuple[set[str], set[str]]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    given: set[str] = set()
    family: set[str] = set()
    for attribute in dir(provider):
        names = getattr(provider, attribute)
        if not isinstance(names, (tuple, list, dict)):
            continue
        if "romanized" in attribute or attribute.startswith(("first_name", "last_name")):
            target = given if "first" in attribute else family
            target.update(name.strip() for name in names if isinstance(name, str) and 1 < len(name.strip()) <= 24)
    return given, family


def _census(file: str, most: int) -> list[str]:
    names = importlib.import_module("names")
    lines = (Path(names.__file__).parent / file).read_text().splitlines()
    return [line.split()[0].title() for line in lines[:most]]


def load() -> People:
    """Read all lists, in a fixed order."""
    given: dict[str, list[str]] = {}
    family: dict[str, list[str]] = {}
    for locale in LATIN + OTHER:
        first, last = _faker(locale)
        if first and last:
            given[locale], family[locale] = sorted(first), sorted(last)
    for culture, (first, last) in ROMANISED.items():
        given[culture], family[culture] = first.split(), last.split()
    census_given = _census("dist.male.first", 1200) + _census("dist.female.first", 3000)
    return People(given, family, census_given, _census("dist.all.last", 40_000))


@dataclass
class Person:
    """One made-up person."""

    first: str
    last: str
    middle: str

    def form(self, kind: str, chance: random.Random) -> str:
        """Return the name in one form: `full`, `first`, `last`, `comma`, `upper`, `lower`, `initial`, …"""
        first, last = self.first, self.last
        if kind == "full":
            kind = chance.choices(["plain", "middle", "initialled", "initial", "three"], [72, 6, 12, 5, 5])[0]
        forms = {
            "plain": f"{first} {last}",
            "middle": f"{first} {self.middle} {last}",
            "three": f"{first} {last} {self.middle if chance.random() < 0.3 else chance.choice([last, self.middle])}",
            "initialled": f"{first} {self.middle[0]}{chance.choice(['.', '.', ''])} {last}",
            "initial": f"{first[0]}. {last}",
            "initials": f"{first[0]}.{self.middle[0]}. {last}" if chance.random() < 0.5 else f"{first[0]}. {self.middle[0]}. {last}",
            "short": f"{first} {last[0]}.",
            "comma": f"{last}, {first}",
            "backward": f"{last} {first}",
            "loud": f"{last.upper()} {first}" if chance.random() < 0.7 else f"{last.upper()}, {first}",
            "upper": f"{first} {last}".upper(),
            "lower": f"{first} {last}".lower(),
            "first": first,
            "last": last,
            "lowerfirst": first.lower(),
            "upperfirst": first.upper(),
        }  # fmt: skip
        return forms[kind]


class Crowd:
    """Draws people; the same seed draws the same."""

    def __init__(self, people: People, chance: random.Random) -> None:
        self._people = people
        self._chance = chance
        self._latin = [locale for locale in people.given if locale not in OTHER]
        self._other = [locale for locale in people.given if locale in OTHER]

    def _culture(self) -> str:
        chance = self._chance
        kind = chance.random()
        if kind < 0.025:
            return chance.choice(self._other)
        if kind < 0.35:
            return chance.choice(list(ROMANISED))
        if kind < 0.55:
            return chance.choice(ENGLISH)
        return chance.choice(self._latin)

    def _draw(self, kind: str, culture: str) -> str:
        people, chance = self._people, self._chance
        lists = people.given if kind == "given" else people.family
        if culture not in OTHER:
            roll = chance.random()
            if roll < 0.22:
                return chance.choice(people.census_given if kind == "given" else people.census_family)
            if roll < 0.34:
                # A name nobody has listed: two of them spliced.
                one, two = chance.choice(lists[culture]), chance.choice(lists[culture])
                spliced = one[: max(2, len(one) // 2 + 1)] + two[len(two) // 2 :].lower()
                if 3 <= len(spliced) <= 14 and " " not in spliced:
                    return spliced
        return chance.choice(lists[culture])

    def one(self) -> Person:
        """Draw one person."""
        chance = self._chance
        culture = self._culture()
        other = culture if chance.random() < 0.8 or culture in OTHER else chance.choice(self._latin)
        first, last = self._draw("given", culture), self._draw("family", other)
        middle = self._draw("given", culture)
        if chance.random() < 0.04:
            last = f"{last}-{self._draw('family', other)}"
        elif chance.random() < 0.03 and culture not in OTHER:
            last = f"{chance.choice(['van der', 'de', 'van', 'von', 'da', 'del', 'de la', 'bin', 'al', 'di', 'dos', 'Van', 'De', 'Di'])} {last}"
        elif chance.random() < 0.015 and culture not in OTHER:
            last = chance.choice(["O'", "D'", "Mc", "Mac", "Al-", "El-", "Ben-"]) + last
        if chance.random() < 0.03:
            first = f"{first}-{middle}"
        return Person(first, last, middle)
