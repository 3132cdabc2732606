"""Pure functions on strings: cleaning, segmentation, stop words, stems, language, emoji."""
