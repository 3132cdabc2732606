"""Generated masking cases: invented values in sentences as people write them, in English and Chinese.

python benchmarks/masking_generator.py            print the cases with their marks
python benchmarks/masking_generator.py --digest   print the SHA-256 of them all
"""

from __future__ import annotations

import hashlib
import random
import sys

from masking_cases import Case, from_markup
from masking_numbers import bank_card, card, cn_company, cn_id, digits, iban, pick, spoilt
from masking_sentences import ADDED, CARRIERS, MIXED, PLAIN
from masking_values import FIRST, VALUES, luhn_of_no_scheme, network, unlike_any

SEED = 20261124
KIND_CASES = 130  # a kind and language
PLAIN_CASES = 400  # a language
ADDED_CASES = 60  # a kind and language
KINDS = {"wechat": "handle", "qq": "handle"}


def generated(seed: int = SEED) -> list[Case]:
    """The generated cases, in a fixed order."""
    rng = random.Random(seed)
    cases = []
    for language in ("en", "zh"):
        for value, carriers in CARRIERS[language].items():
            for number in range(KIND_CASES):
                carrier = _nth(carriers, number).replace("{}", "{" + value + "}")
                cases += [_filled(rng, carrier, language)]
        cases += [_filled(rng, _nth(MIXED[language], number), language) for number in range(KIND_CASES)]
        cases += [_plain(rng, _nth(PLAIN[language], number), language) for number in range(PLAIN_CASES)]
    return cases + _added(random.Random(seed + 1))


def _added(rng: random.Random) -> list[Case]:
    cases = []
    for language in ("en", "zh"):
        for value, carriers in ADDED[language].items():
            for number in range(ADDED_CASES):
                carrier = _nth(carriers, number).replace("{}", "{" + value + "}")
                cases += [_filled(rng, carrier, language)]
        cases += [from_markup(network(rng, language), language, "generated") for _ in range(ADDED_CASES)]
    return cases


def _nth(sentences: list[str], number: int) -> str:
    return sentences[number % len(sentences)]


def _filled(rng: random.Random, carrier: str, language: str) -> Case:
    marked = carrier
    for value, make in VALUES.items():
        while "{" + value + "}" in marked:
            marked = marked.replace(
                "{" + value + "}", "{{" + KINDS.get(value, value) + "|" + make(rng, language) + "}}", 1
            )
    return from_markup(marked, language, "generated")


def _plain(rng: random.Random, carrier: str, language: str) -> Case:
    """A sentence with a number that is nobody's."""
    fillers = {
        "{number}": unlike_any, "{luhn}": luhn_of_no_scheme,
        "{broken_card}": lambda rng: spoilt(rng, pick(rng, (card, bank_card))(rng)),
        "{broken_id}": lambda rng: spoilt(rng, cn_id(rng)), "{broken_iban}": lambda rng: spoilt(rng, iban(rng)),
        "{broken_company}": lambda rng: spoilt(rng, cn_company(rng)),
        "{hour}": lambda rng: str(int(rng.random() * 24)), "{minute}": lambda rng: f"{int(rng.random() * 60):02d}",
        "{year}": lambda rng: str(1950 + int(rng.random() * 80)),
        "{month}": lambda rng: str(1 + int(rng.random() * 12)),
        "{day}": lambda rng: str(1 + int(rng.random() * 28)), "{small}": lambda rng: str(1 + int(rng.random() * 99)),
        "{cents}": lambda rng: f"{int(rng.random() * 3000)}.{digits(rng, 2)}", "{four}": lambda rng: digits(rng, 4),
        "{six}": lambda rng: digits(rng, 6), "{first}": lambda rng: pick(rng, FIRST),
    }  # fmt: skip
    for name, make in fillers.items():
        while name in carrier:
            carrier = carrier.replace(name, make(rng), 1)
    return Case(carrier, (), language, "generated")


def digest(cases: list[Case]) -> str:
    """SHA-256 of every text and span, so that a change of the set shows."""
    return hashlib.sha256(repr([(case.text, case.spans) for case in cases]).encode()).hexdigest()


def main() -> None:
    cases = generated()
    if "--digest" in sys.argv:
        sys.stdout.write(digest(cases) + "\n")
        return
    for case in cases:
        sys.stdout.write(f"{case.language}\t{case.text!r}\t{[(case.text[a:b], kind) for a, b, kind in case.spans]}\n")


if __name__ == "__main__":
    main()
