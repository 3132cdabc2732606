"""The pages of the service, for people in a browser: type a text, see what the models are; English and Chinese."""
