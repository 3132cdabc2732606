"""Sentences in English and Chinese with labels of `goemotions`, made by rule from the parts in `en.toml` and `zh.toml`.

    python scripts/starter_sentences --output sentences.jsonl

GoEmotions is English comments from one site. These sentences add what it lacks: Chinese, negation, contrast, irony,
grief and distress, complaints, instructions, and the same sentence with the names of many peoples. They contain no
text of any data set.
"""
