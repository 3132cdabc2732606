"""Where rows come from: files, folders, built-in sets, the hub; and which columns are read."""
