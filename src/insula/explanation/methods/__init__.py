"""The methods that explain one text: one file each, registered in `explanation.explainers`."""
