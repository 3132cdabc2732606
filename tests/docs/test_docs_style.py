"""Phrases that read like a translation do not occur in source, docs, README and changelog.

`ROOTS` names what is read: a folder of the project, with the patterns of its files. Of code the words inside names are
read, too: `files_at_hand` and `FilesAtHand` are "files at hand".
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from docs_pages import ROOT, prose, title

ROOTS: Mapping[str, tuple[str, ...]] = {
    ".": ("README*.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    "docs": ("**/*.md", "**/*.ipynb", "**/*.py"),
    "src": ("**/*.py", "**/*.toml", "**/*.j2", "**/*.js", "**/*.html"),
}
CODE = (".py", ".toml", ".j2", ".js")
RELEASE = "## [0.2.0]"  # of the changelog, what is released from here on

INSTEAD: Mapping[str, str] = {  # phrase: what to write instead
    r"(?:go|goes|going|gone|went) on with": "resume, continue",
    r"anew": "again, chosen again, refitted",
    r"whoever": "the caller, users who",
    r"what (?:it|they) (?:is|are) told": "the argument",
    r"st(?:and|ands|ood) (?:in|beside)": "is in, is next to, is stored in",
    r"(?:is|are|was|were|be|been) (?:told|said)": "is reported, is logged, is raised",
    r"heed(?:s|ed|ing)?": "uses, respects, supports",
    r"made small": "minimised",
    r"rows that (?:it|they|a model|the model) (?:learnt|learned) from": "training rows",
    r"at hand": "available, open",
    r"(?:give|gives|giving|gave|given) way": "yield, run at low priority",
    r"doorkeepers?": "authenticator",
    r"idle options?": "unused option",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"told to be": "is detected",
    r"(?:do|does|did|doing) the like": "do the same",
    r"ha(?:s|ve|d) a bar": "have a target",
    r"hasty": "that sends too fast",
    r"in flat memory": "in constant memory",
    r"one \w+ a line": "one per line",
    r"no word of (?:a|the) (?:text|message|request)": "no text",
    r"(?:is|are) no \w+ any ?more": "is no longer",
    r"(?:and|it|failure) says why": "gives the reason",
    r"the seconds of retry[ -]after": "the seconds in Retry-After",
}
# Not listed, since the word has a proper use that no pattern can tell from the other one:
# judged (of a text)        "judged by" people is English; of a text write predicted, classified, scored
# gate (of access)          a gated recurrent unit has gates
# begin (of a prediction)   sentences and quotations begin
# refuse (of errors)        a connection is refused, a person refuses; of input write reject, raise
# (a job) is idle           idle processors are English
FOUND = {phrase: re.compile(rf"\b{phrase}\b", re.IGNORECASE) for phrase in INSTEAD}


def _files(roots: Mapping[str, tuple[str, ...]] = ROOTS) -> Iterator[Path]:
    for root, patterns in roots.items():
        for pattern in patterns:
            yield from sorted((ROOT / root).glob(pattern))


def _words(file: Path) -> str:
    """Return what is read: no code, and neither generated parts nor output, whose words are those of the code."""
    text = prose(file) if file.suffix == ".md" else file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        text = " ".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    if file.suffix in CODE:
        text = re.sub(r"(?<=[a-z])(?=[A-Z])|_|\s*\n\s*#", " ", text)
    return text[text.index(RELEASE) :] if file.name == "CHANGELOG.md" else text


@pytest.mark.parametrize("root", ROOTS)
def test_no_phrase_of_a_translation_occurs(root: str) -> None:
    found = {
        f"{title(file)}: {match[0]}": INSTEAD[phrase]
        for file in _files({root: ROOTS[root]})
        for text in [" ".join(_words(file).split())]
        for phrase, pattern in FOUND.items()
        for match in pattern.finditer(text)
    }
    assert not found


def test_more_roots_can_be_named() -> None:
    assert ROOT / "docs" / "generate.py" in set(_files({"docs": ("*.py",)}))


def test_a_release_has_a_lead_and_themes_with_one_line_a_change() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", head) for head in heads[1:])
    for release in re.split(r"^## .+$", text, flags=re.MULTILINE)[2:]:
        lead, *themes = re.split(r"^### .+$", release, flags=re.MULTILINE)
        assert len(lead.split()) > 20
        for theme in themes:
            assert all(line.startswith("- ") for line in theme.splitlines() if line)


@pytest.mark.parametrize(
    "sentence",
    [
        "A run is gone\non with.",
        "The file stands beside it.",
        "The count is told at the end.",
        "Thresholds are chosen anew.",
        "It does the like.",
        "Texts are told to be Chinese.",
        "Mending data pays.",
        "The file stands in flat memory.",
        "Write one object a line.",
        "It stores no word of a text.",
        "A failed check says so, and says why.",
    ],
)
def test_a_phrase_is_found(sentence: str) -> None:
    assert any(pattern.search(" ".join(sentence.split())) for pattern in FOUND.values())


@pytest.mark.parametrize(
    "sentence", ["A man stands up.", "The folder stands for your own encoder.", "Tell us.", "Amend the text."]
)
def test_proper_words_are_left_alone(sentence: str) -> None:
    assert not any(pattern.search(sentence) for pattern in FOUND.values())


SAYS_NOTHING = re.compile(r"_?(?:Work|Thing|Judge|(?:Found|Given|Told|Kept|Made|Wanted|Usual|Answered)(?:[A-Z]\w*)?)")
LIMITS = re.compile(r"_?(?:MOST|LEAST|FEWEST|GREATEST|WIDEST)(?:_\w+)?|_?\w+_(?:A_TIME|AT_ONCE|A_BATCH|A_GROUP)")


def _list_bad_names(source: str) -> Iterator[str]:
    """Yield names that say nothing, limits that are not named MAX or MIN, and functions without a verb."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and SAYS_NOTHING.fullmatch(node.name):
            yield node.name
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            if re.match(r"_?with(?:out)?_", statement.name):
                yield statement.name
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in (one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)):
                if LIMITS.fullmatch(name.id) or SAYS_NOTHING.fullmatch(name.id):
                    yield name.id


def test_names_say_what_they_name() -> None:
    found = {
        f"{title(file)}: {name}"
        for file in sorted((ROOT / "src").glob("**/*.py"))
        for name in _list_bad_names(file.read_text(encoding="utf-8"))
    }
    assert not found, "\n".join(["Name the content, MAX_ or MIN_, and a verb:", *sorted(found)])


@pytest.mark.parametrize(
    "line",
    ["class FoundEvent: ...", "Found = tuple[int, int]", "MOST_WORDS = 3", "_ROWS_A_TIME = 8", "def with_rows(): ..."],
)
def test_a_name_that_says_nothing_is_found(line: str) -> None:
    assert list(_list_bad_names(line))


@pytest.mark.parametrize("line", ["class WorkerPool: ...", "MAX_WORDS = 3", "class A:\n    def with_rows(self): ..."])
def test_names_of_the_field_are_left_alone(line: str) -> None:
    assert not list(_list_bad_names(line))


OPENINGS = re.compile(
    r"""(?:^\s*\"{3}|(?:help|description|summary)=\s*f?")(?:How|What|Why|Who|Where|When|Its)\b.*""", re.MULTILINE
)


def test_descriptions_begin_with_the_thing_they_describe() -> None:
    found = {
        f"{title(file)}: {match[0].strip()}"
        for file in sorted((ROOT / "src").glob("**/*.py"))
        for match in OPENINGS.finditer(file.read_text(encoding="utf-8"))
    }
    assert not found, "\n".join(["Begin with a noun, or a verb in the imperative:", *sorted(found)])


@pytest.mark.parametrize(
    "line", ['    """What a thing does."""', 'Field(None, description="Why it failed.")', 'help="How many rows."']
)
def test_riddles_at_the_beginning_are_found(line: str) -> None:
    assert OPENINGS.search(line)
    assert not OPENINGS.search(
        line.replace("What", "Whatever").replace("Why", "Reason why").replace("How", "Number, how")
    )
