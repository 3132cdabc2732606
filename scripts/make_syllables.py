"""Write `src/insula/text/syllables.txt`: the most frequent reading of each character of GB 2312, without tones.

    python scripts/make_syllables.py

The readings are those of pypinyin (extra `augmentation`). A line is a syllable, with v for ü, and its characters.
"""

from __future__ import annotations

from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict

from insula.augmentation.pinyin_edits import strip_tone
from insula.core.files import write_text

OUTPUT = Path(__file__).parent.parent / "src" / "insula" / "text" / "syllables.txt"


def main() -> None:
    """Write the table."""
    characters_of: dict[str, str] = {}
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            character = bytes([row, cell]).decode("gb2312", "ignore")
            if character and ord(character) in pinyin_dict:
                syllable = strip_tone(pinyin_dict[ord(character)].partition(",")[0])
                characters_of[syllable] = characters_of.get(syllable, "") + character
    lines = [f"{syllable} {characters}\n" for syllable, characters in sorted(characters_of.items())]
    write_text(OUTPUT, "".join(lines))


if __name__ == "__main__":
    main()
