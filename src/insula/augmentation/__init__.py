"""Augmentation: changed copies of labelled texts, with the label that the change implies."""
