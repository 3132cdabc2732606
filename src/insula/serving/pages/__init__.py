"""The pages of the service, for people in a browser: predict a text, read about the models; English and Chinese."""
