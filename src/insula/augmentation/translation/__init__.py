"""Machine translation for back-translation: engines that are installed, or served at an address."""
