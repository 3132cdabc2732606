"""Sentences in English and Chinese with labels of `goemotions`, made by rule from the parts in TOML files.

    python scripts/starter_sentences --output sentences.jsonl

GoEmotions is English comments from one site. These sentences add what it lacks: Chinese, negation, contrast, irony,
grief and distress, complaints, instructions, and the same sentence with the names of many peoples. `en.toml` and
`zh.toml` have the parts of both stages of training, `second_en.toml` and `second_zh.toml` those of the second: danger
and what only looks like it, thanks and praise, and names. They contain no text of any data set, and no test message.
"""
